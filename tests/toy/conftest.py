"""The toy as a package that is installed: found by its entry point, here and in other processes."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.evaluation.running.parallel import evaluate_all
from p2p_market.evaluation.running.parts import Job
from p2p_market.registry import load_scenario
from tests.evaluation.runs import deaf, written

CAST = "storage=thrifty,plant=random"
ORACLE = "storage=tests.toy.oracle:storage"
ROOT = Path(__file__).resolve().parents[2]
SCENARIO = Path(__file__).with_name("scenarios") / "toy-v0.yaml"
FILES = {
    "METADATA": "Metadata-Version: 2.1\nName: toy-track\nVersion: 0\n",
    "entry_points.txt": "[p2p_market.tracks]\ntoy = tests.toy.track\ntrio = tests.toy.trio\n",
}


@pytest.fixture(scope="package", autouse=True)
def installed(tmp_path_factory):
    """A folder on the path with what an installer would write."""
    site = tmp_path_factory.mktemp("site")
    (site / "toy_track-0.dist-info").mkdir()
    for name, text in FILES.items():
        (site / "toy_track-0.dist-info" / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
        yield site


@pytest.fixture(scope="package")
def scenario():
    return load_scenario(SCENARIO)


@pytest.fixture(scope="package")
def job(scenario):
    """Two units of three episodes."""
    return Job(scenario, ("thrifty", CAST), "test", (1, 3), 0)


@pytest.fixture(scope="package")
def whole(job, tmp_path_factory):
    """Every file of a run in one process without interruption."""
    return written(evaluate_all([job], 1, deaf), tmp_path_factory.mktemp("whole"))


def command(*words):
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="package")
def run(tmp_path_factory):
    """Folder of a run of the command line, by two processes."""
    output = tmp_path_factory.mktemp("results")
    asked = ["-p", "thrifty", "-p", CAST, "-p", ORACLE, "--weeks", "1,3"]
    command("benchmark", "-s", SCENARIO, *asked, "-o", output, "--workers", 2)
    (folder,) = output.glob("*-toy-v0")
    return folder
