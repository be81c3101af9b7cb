"""The steps of the workflow for submissions, as the runner calls them; docker is stood in for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="needs bash"
)

ROOT = Path(__file__).resolve().parents[2]
SHELLS = {None: ("bash", "-e"), "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail")}
"""What GitHub's runner starts, by the step's `shell`."""
DOCKER = """#!/usr/bin/env bash
echo "$@" >> asked
[ "$1" = run ] || exit 0
for word in "$@"; do case "$word" in *:/entry.zip:ro) zip="${word%:/entry.zip:ro}" ;; esac; done
exec bash JUDGE "$zip" out
"""
JUDGE = """echo "judged $1"
exit "$(cat "$1")"
"""


def steps():
    found = yaml.safe_load((ROOT / ".github" / "workflows" / "submission.yml").read_text("utf-8"))
    return found["jobs"]["dev"]["steps"]


def walked(folder, zips):
    """Gate and public draws, with a judge that ends as each zip says."""
    (folder / "bin").mkdir()
    (folder / "judge").write_text(JUDGE)
    docker = folder / "bin" / "docker"
    docker.write_text(DOCKER.replace("JUDGE", str(folder / "judge")))
    docker.chmod(0o755)
    (folder / "handed-in" / "submissions").mkdir(parents=True)
    for name, code in zips.items():
        (folder / "handed-in" / "submissions" / name).write_text(str(code))
    (step,) = (one for one in steps() if one.get("name") == "Gate and public draws")
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    own = {"PATH": path, "GITHUB_STEP_SUMMARY": str(folder / "summary")}
    return subprocess.run(
        [*SHELLS[step.get("shell")], "-c", step["run"]],
        cwd=folder, env={**os.environ, **own}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_step_ends_as_the_judge_does(code, tmp_path):
    done = walked(tmp_path, {"my agent.zip": code})
    assert done.returncode == code, done.stderr
    assert "judged" in (tmp_path / "summary").read_text()
    assert (tmp_path / "out").is_dir()
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert "--network none" in asked
    assert "my agent.zip:/entry.zip:ro" in asked


@pytest.mark.parametrize("zips", [{}, {"one.zip": 0, "two.zip": 0}], ids=["none", "two"])
def test_one_package_is_asked_for(zips, tmp_path):
    done = walked(tmp_path, zips)
    assert (done.returncode, f"{len(zips)} are there" in done.stderr) == (1, True)
    assert not (tmp_path / "asked").exists()


def test_what_is_handed_in_is_data():
    """No step runs a file of the pull request, and none has a secret."""
    told = (ROOT / ".github" / "workflows" / "submission.yml").read_text("utf-8")
    assert "secrets." not in told
    first, second = (one["with"] for one in steps() if "checkout" in one.get("uses", ""))
    assert "base.sha" in first["ref"]
    assert second["path"] == "handed-in"
    assert not any(one["persist-credentials"] for one in (first, second))
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {"handed-in", "out", ".git"} <= set(ignored)
