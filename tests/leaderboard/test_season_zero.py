"""Season 0 as it is published: it proves itself, says what it should, and replays everywhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("cvxpy")
pytest.importorskip("jinja2")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from leaderboard.checking import verify
from leaderboard.checking.replay import Again, again
from leaderboard.ledger import ledger
from leaderboard.ranking.export import FORMATS
from leaderboard.ranking.ranking import board_of
from leaderboard.record import entries
from leaderboard.record.schema import PATH
from leaderboard.season import season
from leaderboard.season.draws import draws
from tests.determinism.test_determinism import FAST_X86, NO_FMA, NO_VECTORS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = season.FOLDER / "season-0"
README = (FOLDER / "README.md").read_text("utf-8")
REFERENCES = {
    "no-trade", "truthful", "zero-intelligence", "zip", "storage-value", "mpc-alone",
    "mpc-community", "optimum",
}  # fmt: skip
TRIPWIRES = {"constant", "clock-only", "random-actions", "other-optimum"}
LEARNED = {"mappo", "ippo", "mappo-method", "ippo-method"}
CHEAP = "resale-6-v0"
SWITCHES = {
    "another BLAS kernel": {"OPENBLAS_CORETYPE": "Nehalem"},
    "no fused multiply-add": NO_FMA,
    "no vector code": NO_VECTORS,
}
pytestmark = pytest.mark.xdist_group("seasons")


@pytest.fixture(scope="module")
def own():
    return season.read(FOLDER)


@pytest.fixture(scope="module")
def board(own):
    return board_of(own.id, entries.entered(own))


def rows(board, *divisions):
    found = (row for row in board.rows if row.entered.record.entry.division in divisions)
    return {row.entered.record.entry.name: row for row in found}


def test_it_holds_what_it_says(board):
    assert set(rows(board, "reference")) == REFERENCES
    assert set(rows(board, "tripwire")) == TRIPWIRES
    assert set(rows(board, "policy", "method")) == LEARNED
    assert {row.entered.tier for row in board.rows} == {"re-executed"}


def test_ledger_signatures_and_every_file(own):
    (key,) = set(re.findall(r"key\W+([0-9a-f]{64})", README))
    (checkpoint,) = set(re.findall(r"checkpoint\W+(\d+:[0-9a-f]{64})", README))
    assert verify.verify(own, checkpoint, key) == []
    assert ledger.read(FOLDER / ledger.NAME).lines[-1].n == int(checkpoint.partition(":")[0])


def test_both_ends_and_nothing_beyond(board):
    found = rows(board, "reference")
    assert abs(found["no-trade"].summary.iqm) < 0.01
    alone = found["no-trade"].columns
    assert (alone["worse_off"], alone["jain"], alone["failed"]) == (0.0, 0.0, 0.0)
    assert 99.0 < found["optimum"].summary.iqm < 100.01
    for row in board.rows:
        assert not any("less than the optimum" in reason for reason in row.reasons)


def test_blind_policies_score_low(board):
    for name, row in rows(board, "tripwire").items():
        assert row.summary.iqm < 25.0, name


def test_records_keep_to_the_published_schema():
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(json.loads(PATH.read_bytes()))
    for path in FOLDER.glob("entries/*/result.json"):
        assert list(check.iter_errors(json.loads(path.read_bytes()))) == [], path


def test_the_board_is_that_of_the_records(board):
    written = (FOLDER / "board.csv").read_bytes()
    assert written == FORMATS["csv"](board).encode(), "export season-0 --format csv again"


def test_one_episode_of_every_network_and_reference_replays(own):
    (drawn,) = (one for one in draws(own) if (one.board.scenario, one.index) == (CHEAP, 0))
    played = 0
    for folder in entries.folders(own):
        for told in entries.read(folder).episodes:
            if (told.scenario, told.draw) == (CHEAP, 0):
                assert again(Again(folder, own, told, drawn), lambda *_: None) == []
                played += 1
    assert played == len(REFERENCES | TRIPWIRES) + 2 + 2 * 5


def typed(*arguments, **environment):
    """What a command of its own process says under these environment variables."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from p2p_market.commands.app import app; app()",
            "leaderboard",
            *arguments,
        ],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def replayed(workers, **environment):
    words = typed("verify", "season-0", "--workers", str(workers), **environment)
    assert "not replayed" not in words


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_every_episode_replays(workers):
    replayed(workers)


@pytest.mark.slow
@pytest.mark.skipif(not FAST_X86, reason="this processor has nothing to switch off")
@pytest.mark.parametrize("switch", SWITCHES)
def test_every_episode_replays_on_other_processors(switch):
    replayed(2, **SWITCHES[switch])


@pytest.mark.slow
def test_the_pages_are_the_same_bytes_in_other_processes(tmp_path):
    found = []
    for hashes in ("1", "2"):
        folder = tmp_path / hashes
        typed("build", "season-0", "-o", str(folder), PYTHONHASHSEED=hashes)
        files = (path for path in folder.rglob("*") if path.is_file())
        found.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert found[0] == found[1]
    assert len(found[0]) > 3 * len(REFERENCES | TRIPWIRES | LEARNED)
