"""Records of every released version stay readable."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.evaluation.record.versions import versions

RECORDS = sorted((Path(__file__).parent / "records").iterdir())


@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("reader", ["replay", "cite"])
def test_a_record_of_each_version_is_read(folder, reader):
    done = CliRunner().invoke(app, [reader, str(folder)])
    assert done.exit_code == 0, done.output


def test_digits_that_differ_are_told_with_the_versions(tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(RECORDS[0], folder)
    record = json.loads((folder / "run.json").read_text("utf-8"))
    record["versions"]["numpy"] = "1.26.0"
    record["scenarios"][0]["policies"][0]["social_cost_eur"][0] += 1e-10
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    done = CliRunner().invoke(app, ["replay", str(folder)])
    assert done.exit_code == 1
    assert "social costs differ" in done.output
    here = versions()["numpy"]
    assert f"recorded with numpy 1.26.0; here is numpy {here}" in " ".join(done.output.split())
