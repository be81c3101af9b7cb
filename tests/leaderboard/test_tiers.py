"""Who may write what, and how far a record is believed: by keys in the ledger, by nothing else."""

import pytest

pytest.importorskip("cryptography")

from leaderboard.ledger import ledger
from leaderboard.ledger.tiers import RE_EXECUTED, REPLAYED, REPRODUCED, SELF_REPORTED, tier
from p2p_market.errors import LedgerError
from tests.leaderboard.ledgers import (
    EVALUATOR,
    ORGANISER,
    SECOND,
    SECRET,
    STORY,
    STRANGER,
    add,
    digest,
    executed,
    key_add,
    opening,
    public,
    submission,
    verdict,
    written,
)


def tier_in(path, record="record", name="first"):
    found = ledger.read(path)
    return tier(found.lines, found.standing, digest(f"{name} 0.1.0"), digest(record))


@pytest.mark.attack("C06")
@pytest.mark.parametrize(
    ("lines", "wanted"),
    [(1, SELF_REPORTED), (4, SELF_REPORTED), (5, RE_EXECUTED), (7, RE_EXECUTED), (8, REPRODUCED)],
)
def test_a_record_climbs_with_what_is_signed_of_it(lines, wanted, tmp_path):
    path = written(tmp_path, STORY[:lines])
    assert tier_in(path) == wanted
    assert tier_in(path, record="another") == SELF_REPORTED
    assert tier_in(path, name="second") == SELF_REPORTED


def test_replayed_only(tmp_path):
    assert tier_in(written(tmp_path, [*STORY[:4], STORY[5]])) == REPLAYED


def revoke(private, from_n):
    return ("key-revoke", {"key": public(private), "from_n": from_n, "reason": "lost"}, ORGANISER)


def test_what_a_revoked_key_signed_counts_no_more_from_a_line_on(tmp_path):
    for number, (from_n, wanted) in enumerate(
        [(8, REPRODUCED), (5, REPRODUCED), (4, SELF_REPORTED), (0, SELF_REPORTED)]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = written(folder, [*STORY, revoke(EVALUATOR, from_n)])
        assert tier_in(path) == wanted, from_n
        with pytest.raises(LedgerError, match=r"of The evaluator was revoked"):
            add(path, "replay", verdict(), EVALUATOR)


def test_an_evaluation_that_counts_no_more_can_be_done_again(tmp_path):
    path = written(tmp_path, [*STORY[:5], revoke(EVALUATOR, 4)])
    add(path, "evaluation", executed(record="again"), ORGANISER)
    assert (tier_in(path), tier_in(path, "again")) == (SELF_REPORTED, RE_EXECUTED)


OTHER = key_add(STRANGER, "evaluator", "x")


@pytest.mark.parametrize(
    ("before", "line", "says"),
    [
        (0, ("key-add", OTHER, ORGANISER), "opens its season in the first line"),
        (1, ("season-open", opening(), ORGANISER), "opens its season in the first line"),
        (0, ("season-open", opening(), STRANGER), "not signed by the key it introduces"),
        (4, ("evaluation", executed(), STRANGER), "was never added"),
        (4, ("evaluation", executed(), SECOND), "role reproducer may not sign"),
        (4, ("key-add", OTHER, EVALUATOR), "role evaluator may not sign"),
        (3, ("submission", submission(), EVALUATOR), "role evaluator may not sign"),
        (7, ("reproduction", verdict(), ORGANISER), "role organiser may not sign"),
        (7, ("reproduction", verdict(), EVALUATOR), "role evaluator may not sign"),
        (2, ("key-add", STORY[1][1], ORGANISER), "was added before"),
        (2, revoke(STRANGER, 0), "not a valid key"),
        (2, revoke(EVALUATOR, 9), "must not lie after this line"),
        (2, revoke(ORGANISER, 2), "the last key of an organiser"),
        (4, ("submission", submission("second", 2), ORGANISER), "attempt is 2, but must be 1"),
        (4, ("submission", submission("first", 1, "0.2.0"), ORGANISER), "but must be 2"),
        (4, ("submission", {**submission(), "package": digest("x")}, ORGANISER), "raise the ver"),
        (4, ("submission", {**submission(), "name": "copy"}, ORGANISER), "before, as first 0.1.0"),
        (5, ("evaluation", executed(record="better"), EVALUATOR), "was evaluated before"),
        (4, ("evaluation", executed("second"), EVALUATOR), "no such package was submitted"),
        (4, ("replay", verdict("second"), EVALUATOR), "no such package was submitted"),
        (6, ("reproduction", verdict(), SECOND), "before its secret is revealed"),
        (7, ("reproduction", verdict(record="x"), SECOND), "no such record was evaluated"),
        (6, ("reveal", {"secret": "5f" * 32}, ORGANISER), "not the secret that the season"),
        (7, ("reveal", {"secret": SECRET}, ORGANISER), "revealed before"),
        (7, ("submission", submission("late"), ORGANISER), "secret is public"),
        (7, ("evaluation", executed(), EVALUATOR), "secret is public"),
        (3, ("withdraw", {"package": digest("x"), "reason": "x"}, ORGANISER), "no such package"),
    ],
)
def test_lines_that_may_not_follow(before, line, says, tmp_path):
    path = written(tmp_path, STORY[:before])
    had = path.read_bytes() if before else b""
    with pytest.raises(LedgerError, match=says):
        add(path, *line)
    assert (path.read_bytes() if path.exists() else b"") == had


def test_who_evaluated_cannot_reproduce_under_another_key(tmp_path):
    same = ("key-add", key_add(STRANGER, "reproducer", "The evaluator"), ORGANISER)
    path = written(tmp_path, [*STORY[:7], same])
    with pytest.raises(LedgerError, match="a second party must"):
        add(path, "reproduction", verdict(), STRANGER)


@pytest.mark.attack("C08")
def test_withdrawn_entries_leave_their_attempt(tmp_path):
    gone = ("withdraw", {"package": submission()["package"], "reason": "a mistake"}, ORGANISER)
    path = written(tmp_path, [*STORY[:5], gone])
    found = ledger.read(path)
    assert found.standing.withdrawn == {submission()["package"]}
    assert found.standing.attempts("first") == 1
    with pytest.raises(LedgerError, match="was withdrawn"):
        add(path, "replay", verdict(), EVALUATOR)
    with pytest.raises(LedgerError, match="attempt is 1, but must be 2"):
        add(path, "submission", submission(version="0.2.0"), ORGANISER)
    add(path, "submission", submission(version="0.2.0", attempt=2), ORGANISER)


def test_a_key_is_revoked_once(tmp_path):
    # a second time could give back what the first took
    path = written(tmp_path, [*STORY[:5], revoke(EVALUATOR, 4)])
    with pytest.raises(LedgerError, match="this is not a valid key of the ledger"):
        add(path, *revoke(EVALUATOR, 5))
    assert tier_in(path) == SELF_REPORTED


SECOND_ORGANISER = ("key-add", key_add(STRANGER, "organiser", "A second organiser"), ORGANISER)
THIEF = b"\x08" * 32


def stolen(*lines):
    """A season in which a stolen key of an organiser added one of its own, and was revoked."""
    added = ("key-add", key_add(THIEF, "evaluator", "x"), STRANGER)
    return [*STORY[:4], SECOND_ORGANISER, added, *lines, revoke(STRANGER, 5)]


def test_what_a_stolen_key_added_goes_with_it(tmp_path):
    path = written(tmp_path, stolen(("evaluation", executed(), THIEF)))
    assert tier_in(path) == SELF_REPORTED
    with pytest.raises(LedgerError, match="was added by a key that was revoked"):
        add(path, "replay", verdict(), THIEF)
    add(path, "evaluation", executed(), EVALUATOR)
    assert tier_in(path) == RE_EXECUTED


def test_what_a_key_added_before_it_was_stolen_stays(tmp_path):
    added = ("key-add", key_add(THIEF, "evaluator", "x"), STRANGER)
    path = written(tmp_path, [*STORY[:4], SECOND_ORGANISER, added, revoke(STRANGER, 6)])
    add(path, "evaluation", executed(), THIEF)
    assert tier_in(path) == RE_EXECUTED


def test_what_a_stolen_key_withdrew_is_not_withdrawn(tmp_path):
    gone = ("withdraw", {"package": submission()["package"], "reason": "x"}, STRANGER)
    path = written(tmp_path, stolen(gone))
    assert ledger.read(path).standing.withdrawn == frozenset()
    add(path, "evaluation", executed(), EVALUATOR)


def test_an_organiser_who_counts_no_more_is_none_that_is_left(tmp_path):
    # the stolen key added an organiser's, then the first is revoked: nobody would be left
    added = ("key-add", key_add(THIEF, "organiser", "x"), STRANGER)
    path = written(tmp_path, [*STORY[:4], SECOND_ORGANISER, added, revoke(STRANGER, 5)])
    with pytest.raises(LedgerError, match="the last key of an organiser"):
        add(path, *revoke(ORGANISER, 7))
