"""The ledger: whatever is changed, taken out, doubled, moved, cut or forked is found and named."""

import json
import multiprocessing
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cryptography")

from leaderboard.ledger import ledger
from leaderboard.ledger.line import canonical, read_line
from p2p_market.errors import LedgerError, UsageError
from tests.leaderboard.ledgers import (
    EVALUATOR,
    ORGANISER,
    SECOND,
    STORY,
    UTC,
    add,
    key_add,
    opening,
    public,
    submission,
    written,
)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The bytes of a good ledger."""
    return written(tmp_path_factory.mktemp("ledger")).read_bytes()


def problems(data):
    return list(ledger.examine(data).problems)


def test_a_good_ledger_has_no_problems(story, tmp_path):
    assert problems(story) == []
    path = tmp_path / ledger.NAME
    path.write_bytes(story)
    found = ledger.read(path)
    assert [line.type for line in found.lines] == [kind for kind, _, _ in STORY]
    assert ledger.verify(path, ledger.checkpoint_of(found.lines), public(ORGANISER)) == []


@pytest.mark.attack("C02")
@given(st.data())
def test_any_changed_bit_is_found_and_its_line_named(story, data):
    place = data.draw(st.integers(0, len(story) - 1))
    changed = bytearray(story)
    changed[place] ^= 1 << data.draw(st.integers(0, 7))
    line = story[:place].count(b"\n")
    found = problems(bytes(changed))
    assert len(found) == 1
    # a change that leaves a well-formed line shows in its own signature, one at its end in the next
    assert found[0].startswith(f"ledger.jsonl, line {line}: "), found


@pytest.mark.slow
def test_every_single_bit_of_two_lines(story):
    two = b"".join(story.splitlines(keepends=True)[:2])
    for bit in range(8 * len(two)):
        changed = bytearray(two)
        changed[bit // 8] ^= 1 << bit % 8
        assert problems(bytes(changed)), bit


def test_a_line_signed_anew_by_the_same_key_breaks_the_next(story, tmp_path):
    first = [("season-open", opening(holder="Somebody"), ORGANISER)]
    other = written(tmp_path, first).read_bytes()
    rest = story[story.index(b"\n") + 1 :]
    assert "line 1: prev_sha256 is not the digest of line 0" in problems(other + rest)[0]


@pytest.mark.attack("C02")
@pytest.mark.parametrize("number", range(len(STORY) - 1))
def test_deleted_doubled_and_moved_lines_are_found(story, number):
    lines = story.splitlines(keepends=True)
    deleted = lines[:number] + lines[number + 1 :]
    doubled = lines[: number + 1] + lines[number:]
    moved = [*lines[:number], lines[number + 1], lines[number], *lines[number + 2 :]]
    for other, place in ((deleted, number), (doubled, number + 1), (moved, number)):
        found = problems(b"".join(other))
        assert len(found) == 1
        assert f"line {place}: n is " in found[0], found


def test_a_renumbered_gap_is_found(story):
    lines = story.splitlines()
    later = json.loads(lines[5])
    forged = canonical({**later, "n": 4})
    found = problems(b"\n".join([*lines[:4], forged, b""]))
    assert "line 4: prev_sha256 is not the digest of line 3" in found[0]


@pytest.mark.attack("C02")
def test_roll_back_and_fork_show_against_a_checkpoint(story, tmp_path):
    path = tmp_path / ledger.NAME
    path.write_bytes(story)
    kept = ledger.checkpoint_of(ledger.read(path).lines)
    path.write_bytes(b"".join(story.splitlines(keepends=True)[:-1]))
    assert ledger.verify(path) == []
    assert "the ledger was rolled back" in ledger.verify(path, kept)[0]
    fork = "2020-01-01T13:00:00Z"
    add(path, *STORY[-1], utc=fork)
    assert ledger.verify(path) == []
    assert (
        "line 7: is not that of the checkpoint: the ledger was forked"
        in (ledger.verify(path, kept)[0])
    )
    assert "is signed by" in ledger.verify(path, key=public(SECOND))[0]
    for bad in ("", "x:y", "-1:0", "²:0"):
        if bad:
            with pytest.raises(UsageError, match="NUMBER:DIGEST"):
                ledger.verify(path, bad)


@pytest.mark.attack("C02")
def test_two_branches_cannot_be_joined(story, tmp_path):
    lines = story.splitlines(keepends=True)
    path = tmp_path / ledger.NAME
    path.write_bytes(b"".join(lines[:4]))
    add(path, "submission", submission("second"), ORGANISER)
    branch = path.read_bytes().splitlines(keepends=True)[4]
    assert "line 5: n is 4" in problems(b"".join([*lines[:5], branch]))[0]


@pytest.mark.attack("C03")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sig": None}, "sig"),
        ({"sig": "0" * 128}, "sig is not valid"),
        ({"alg": "none"}, "alg"),
        ({"n": True}, "n True: must be a whole"),
        ({"n": 0.0}, "n 0.0: must be a whole"),
        ({"type": "season-close"}, "known:"),
        ({"utc": "2026-13-01T00:00:00Z"}, "utc"),
        ({"key": public(EVALUATOR)}, "sig is not valid"),
        ({"body": {}}, "body: season: "),
    ],
)
def test_forged_fields(story, change, says):
    line = {**json.loads(story.splitlines()[0]), **change}
    found = problems(canonical(line) + b"\n")
    assert "line 0: " in found[0]
    assert says in found[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"[" * 10_000,
        b'{"n":NaN}',
        b"{" + b" " * 20_000,
        b"\xff",
        b'{"n":' + b"9" * 5000,
    ],
)
def test_a_line_of_noise_is_a_problem_and_no_crash(story, raw):
    assert "line 8: " in problems(story + raw + b"\n")[0]


def test_another_spelling_of_a_good_line_is_refused(story):
    first = story.splitlines()[0]
    told = json.loads(first)
    twice = first[:-1] + b',"n":0}'
    for other in (json.dumps(told).encode(), twice, first.replace(b'"n":0', b'"n":-0')):
        assert read_line(first).n == 0
        assert "canonical form" in problems(other + b"\n")[0]


@pytest.mark.attack("C03")
def test_signatures_of_two_lines_swapped(story):
    lines = [json.loads(line) for line in story.splitlines()]
    lines[1]["sig"], lines[2]["sig"] = lines[2]["sig"], lines[1]["sig"]
    found = problems(b"".join(canonical(line) + b"\n" for line in lines))
    assert "line 1: sig is not valid" in found[0]


def test_a_torn_last_line_is_moved_aside_and_reported(story, tmp_path):
    lines = story.splitlines(keepends=True)
    before, last = b"".join(lines[:-1]), lines[-1]
    for cut in range(1, len(last), 37):
        folder = tmp_path / str(cut)
        folder.mkdir()
        path = folder / ledger.NAME
        path.write_bytes(before + last[:cut])
        assert "line 7: is incomplete" in ledger.verify(path)[0]
        told = add(path, *STORY[-1])
        assert f"an unfinished last line of {cut} bytes is now in" in told[0]
        assert path.read_bytes() == story
        (aside,) = folder.glob("*.torn-*")
        assert aside.read_bytes() == last[:cut]


def test_a_last_line_that_lacks_only_its_end_gets_it(story, tmp_path):
    path = tmp_path / ledger.NAME
    path.write_bytes(b"".join(story.splitlines(keepends=True)[:-1])[:-1])
    assert add(path, *STORY[-1]) == [
        "ledger.jsonl: the end of the last line was missing, it was added"
    ]
    assert path.read_bytes() == story


def test_a_last_line_with_a_damaged_end_is_left_as_it_is(story, tmp_path):
    path = tmp_path / ledger.NAME
    path.write_bytes(story[:-1] + b"\x0b")
    with pytest.raises(LedgerError, match="the end of the last line is damaged"):
        add(path, "withdraw", {"package": submission()["package"], "reason": "x"}, ORGANISER)
    assert path.read_bytes() == story[:-1] + b"\x0b"


def test_nothing_is_added_to_a_damaged_ledger(story, tmp_path):
    path = tmp_path / ledger.NAME
    damaged = story.replace(b"Another team", b"Another tean")
    path.write_bytes(damaged)
    with pytest.raises(LedgerError, match="line 2: sig is not valid"):
        add(path, "withdraw", {"package": submission()["package"], "reason": "x"}, ORGANISER)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("way", ["full", "short", "fsync"])
def test_a_failed_write_leaves_the_old_state(story, tmp_path, monkeypatch, way):
    path = tmp_path / ledger.NAME
    path.write_bytes(story)
    write = os.write

    def fails(descriptor, data):
        if way == "full":
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:100])

    def unsynced(descriptor):
        raise OSError(5, "Input/output error")

    if way == "fsync":
        monkeypatch.setattr(os, "fsync", unsynced)
    else:
        monkeypatch.setattr(os, "write", fails)
    with pytest.raises(OSError, match=r"disk full|No space|Input/output"):
        add(path, "withdraw", {"package": submission()["package"], "reason": "x"}, ORGANISER)
    monkeypatch.undo()
    assert path.read_bytes() == story


def _add_many(path, number):
    for one in range(4):
        add(path, "key-add", key_add(bytes([number, one] * 16), "evaluator", "x"), ORGANISER)


def test_writers_side_by_side_keep_one_chain(tmp_path):
    path = written(tmp_path, STORY[:1])
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_many, args=(path, number)) for number in (10, 20, 30)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(ledger.read(path).lines) == 13


def test_an_empty_or_missing_ledger_is_a_problem(tmp_path):
    path = tmp_path / ledger.NAME
    assert ledger.verify(path) == ["ledger.jsonl: is empty"]
    with pytest.raises(LedgerError, match="is empty"):
        ledger.read(path)


def test_time_does_not_run_back(story, tmp_path):
    path = tmp_path / ledger.NAME
    path.write_bytes(b"".join(story.splitlines(keepends=True)[:-1]))
    with pytest.raises(LedgerError, match="is earlier than that of the line before"):
        add(path, *STORY[-1], utc="2020-01-01T11:59:59Z")
    assert UTC in path.read_text()
