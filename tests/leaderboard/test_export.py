"""Exports: hostile text stays text in CSV and BibTeX; the marl-eval file holds every episode."""

import csv
import io
import json
import re

import pytest

from leaderboard.ranking import export
from leaderboard.ranking.ranking import board_of
from leaderboard.record.record import digest
from p2p_market.community.metrics import METRICS
from tests.leaderboard.ledgers import SEASON
from tests.leaderboard.records import entered, method, noisy

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "x;=1+1",
    'x",=1+1,"',
    "a | =2",
    "\\input{/etc/passwd}",
    "}} @misc{own, title={",
    "100 % & $x_1^2$ #~",
    "{unbalanced",
    "<script>alert(1)</script>",
    "Ada and Bob",
)


def board(text="plain"):
    own = {
        "authors": [{"name": text}],
        "citation": {"title": text, "year": 2026, "venue": text, "url": "https://example.org/a_b"},
    }
    return board_of(SEASON, [entered(noisy(50.0), **own), method([40.0] * 5), entered(
        noisy(10.0), "known", division="reference",
    )])  # fmt: skip


@pytest.mark.attack("C05")
@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_the_table_is_a_formula(text):
    written = export.table(board(text))
    for separator in (",", ";", "\t", "|"):
        for cells in csv.reader(io.StringIO(written), delimiter=separator):
            for cell in cells:
                assert not re.match(r"\s*\"?[=+@]", cell), cell
                assert not cell.startswith("-") or re.fullmatch(r"-\d+\.\d+", cell), cell


def test_the_table_says_what_the_board_says():
    found = board()
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(export.table(found)))}
    assert [row["table"] for row in rows.values()] == ["policy", "method", "shown"]
    first = found.policies.ranked[0]
    assert float(rows["first"]["score"]) == pytest.approx(first.summary.iqm, abs=1e-6)
    assert rows["first"]["rank_low"] == "1"
    assert rows["known"]["rank_low"] == ""
    assert rows["known"]["not_ranked"] == "reference: shown, never ranked"
    assert rows["first"]["record"] == digest(first.entered.record)
    assert rows["first"]["tier"] == "re-executed"


def braces(text):
    """Depth after each letter, as BibTeX counts: a backslash does not help."""
    depth, found = 0, []
    for letter in text:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        found.append(depth)
    return found


@pytest.mark.attack("C05")
@pytest.mark.parametrize("text", HOSTILE)
def test_bibtex_holds_one_entry_and_no_command_of_a_stranger(text):
    written = export.bibtex(board(text).policies.ranked[0].entered.record)
    depth = braces(written)
    assert min(depth[:-2]) >= 0
    assert depth[-1] == 0
    assert 0 not in depth[written.index("{") : -2]  # nothing closes the entry before its end
    for field in ("author", "title", "howpublished"):
        value = re.search(rf"^  {field} = (.*),$", written, flags=re.MULTILINE).group(1)
        plain = re.sub(r"\{\\text[a-z]+\}|\\[%&$#_]", "", value)
        assert not re.search(r"[\\%&$#_~^<>]", plain), value
    assert "\\input" not in written
    assert "@misc{season-x-first-0.1.0," in written
    assert "url = {https://example.org/a_b}," in written


def test_two_authors_and_one_who_is_called_and():
    one = entered(noisy(50.0), authors=[{"name": "Ada and Bob"}, {"name": "Eve"}])
    assert "author = {{Ada and Bob} and {Eve}}," in export.bibtex(one.record)
    assert export.all_bibtex(board()).count("@misc{") == 3


def test_marl_eval_holds_every_episode():
    found = board()
    told = json.loads(export.marl_eval(found))
    tasks = told["p2p_market/season-x"]
    assert set(tasks) == {"classic-v0", "ev-12-v0"}
    assert set(tasks["classic-v0"]) == {"first 0.1.0", "recipe 0.1.0", "known 0.1.0"}
    assert list(tasks["classic-v0"]["first 0.1.0"]) == ["seed_1"]
    assert list(tasks["classic-v0"]["recipe 0.1.0"]) == [f"seed_{n}" for n in range(1, 6)]
    run = tasks["ev-12-v0"]["first 0.1.0"]["seed_1"]
    assert run["step_0"] == {"step_count": 0, **run["absolute_metrics"]}
    own = noisy(50.0)
    assert run["absolute_metrics"]["score"] == pytest.approx([own("ev-12-v0", n) for n in range(8)])
    assert set(run["absolute_metrics"]) == {"score", "social_cost", *METRICS}


def test_the_same_board_gives_the_same_bytes():
    for write in export.FORMATS.values():
        assert write(board()) == write(board())
