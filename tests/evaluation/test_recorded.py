"""A run record of a stranger: one sentence for every command that reads one."""

import copy
import json

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.errors import ReplayError
from p2p_market.evaluation.record.citation import bibtex, cff
from p2p_market.evaluation.record.recorded import read_run
from tests.evaluation.test_comparison import record

READERS = (["cite"], ["cite", "--cff"], ["replay"], ["compare"], ["compare", "runs"])
NOT_RECORDS = {
    "deep": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "empty": b"",
    "not UTF-8": b"\xff\xfe{}",
    "another thing": b"[]",
    "a long number": b'{"schema": ' + b"9" * 5000 + b"}",
}


def told(folder, reader):
    others = [str(folder)] if reader[0] == "compare" else []
    return CliRunner().invoke(app, [*reader, str(folder), *others])


def is_one_sentence(done, code=2):
    return (
        done.exit_code == code
        and "not a run record: " in done.output
        and len(done.output.splitlines()) == 1
        and len(done.output) < 500
    )


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
def test_what_is_no_record_is_told_in_one_sentence(reader, tmp_path):
    path = tmp_path / "run.json"
    assert is_one_sentence(told(tmp_path, reader))
    assert "not a run record" in told(tmp_path / ("x" * 5000), reader).output
    for content in NOT_RECORDS.values():
        path.write_bytes(content)
        done = told(tmp_path, reader)
        damaged = 1 if reader == ["replay"] else 2  # what it examines is wrong
        assert is_one_sentence(done, damaged), done.output
    path.unlink()
    path.mkdir()
    assert is_one_sentence(told(tmp_path, reader))


def places(value, at=()):
    """The way to everything in a record, one of each list."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield (*at, key)
            yield from places(one, (*at, key))
    elif isinstance(value, list) and value:
        yield (*at, 0)
        yield from places(value[0], (*at, 0))


GONE = object()
JUNK = (GONE, None, True, "\x1b[31m", [[]], -1, 10**400, float("nan"), 1e308)
COUNTS = ("start_day", "seed")


def changed(run, way, new):
    run = copy.deepcopy(run)
    *before, last = way
    place = run
    for step in before:
        place = place[step]
    if new is GONE:
        del place[last]
    else:
        place[last] = new
    return run


def test_every_field_is_looked_at(tmp_path):
    """What is not refused can be cited and compared."""
    good, path = record({"mine": [4.0, 5.0, 6.0]}), tmp_path / "run.json"
    refused = set()
    for way in places(good):
        for new in JUNK if way[-1] not in COUNTS else JUNK[:5]:
            path.write_text(json.dumps(changed(good, way, new)))
            try:
                run = read_run(tmp_path)
            except ReplayError:
                refused.add(way)
            else:
                assert bibtex(run)
                assert cff(run)
    assert refused == set(places(good))


@pytest.mark.parametrize("part", ["digests", "social_cost_eur"])
def test_there_is_a_value_for_each_episode(part, tmp_path):
    run = record({"mine": [4.0, 5.0, 6.0]})
    run["scenarios"][0]["policies"][2][part].pop()
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert is_one_sentence(told(tmp_path, ["compare"]))
