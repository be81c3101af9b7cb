"""What is released: the steps of the workflow build it, check it, and play it elsewhere."""

import os
import shutil
import subprocess

import pytest
import yaml

from tests.fresh import ROOT, environment, keep_compiled, run

WORKFLOW = ROOT / ".github" / "workflows" / "tests.yml"


def job():
    return yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"]["wheel"]


def test_the_workflow_tries_what_the_docs_say_it_tries():
    matrix = job()["strategy"]["matrix"]
    said = (ROOT / "docs" / "compatibility.md").read_text("utf-8")
    assert "tries Python 3.12 and 3.13, macOS and Windows" in said
    assert matrix["python"] == ["3.11", "3.12", "3.13"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps are for bash")
def test_the_steps_of_the_workflow(tmp_path, monkeypatch):
    """From the tracked files alone: source and wheel pass `twine check --strict` and play."""
    keep_compiled(tmp_path, monkeypatch)
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (tmp_path / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / "checkout" / name)
    path = os.pathsep.join([str(environment(tmp_path)), os.environ["PATH"]])
    more = {"PATH": path, "RUNNER_TEMP": str(tmp_path)}
    said = ""
    for step in job()["steps"]:
        if "run" in step:
            command = ("bash", "-e", "-c", step["run"])
            said += run(*command, cwd=tmp_path / "checkout", more=more)
    assert said.count("PASSED") == 2, "a source distribution and a wheel"
    assert "truthful" in said
    assert "replays to the same digits" in said
