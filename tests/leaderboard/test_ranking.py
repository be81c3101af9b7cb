"""Order, gate and intervals of a board; what is never ranked; what cannot share a table."""

from dataclasses import replace

import numpy as np
import pytest

from leaderboard.ranking import scores
from leaderboard.ranking.ranking import board_of
from p2p_market.errors import RecordError
from p2p_market.evaluation.statistics.bootstrap import named_generator
from p2p_market.evaluation.statistics.methods import method_score
from p2p_market.evaluation.statistics.scores import score
from tests.leaderboard.ledgers import SEASON
from tests.leaderboard.records import entered, episode, method, noisy, record, scored


def board(*entries):
    return board_of(SEASON, entries)


def names(rows):
    return [row.entered.record.entry.name for row in rows]


def test_entries_are_ordered_by_score_with_ranges_of_ranks():
    found = board(
        entered(noisy(40.0), "low"), entered(noisy(60.0), "high"), entered(noisy(59.9, 1), "near")
    )
    assert names(found.policies.ranked) == ["high", "near", "low"]
    assert found.policies.listed == found.methods.rows == found.shown == ()
    high, near, low = (row.summary for row in found.policies.ranked)
    assert (low.rank_low, low.rank_high) == (3, 3)
    assert (high.rank_low, high.rank_high) == (near.rank_low, near.rank_high) == (1, 2)
    assert (high.group, near.group, low.group) == (1, 1, 2)


def test_a_constant_score_is_known_exactly():
    row = board(entered(lambda scenario, draw: 50.0)).policies.ranked[0]
    values = (row.summary.iqm, row.summary.low, row.summary.high, row.summary.mean)
    assert values == pytest.approx((50.0,) * 4)
    assert row.summary.worst == row.summary.cvar == pytest.approx(50.0)
    assert row.columns["worse_off"] == 25.0
    assert row.columns["jain"] == pytest.approx(4.0**2 / (4 * 6.0))  # savings 1, 1, 2 and none
    assert row.columns["time"] == pytest.approx(5.0)
    assert row.columns["co2"] == 1.0


def test_differences_are_paired():
    # the same ups and downs: alone each is uncertain, the difference is not
    found = board(entered(noisy(50.0), "one"), entered(noisy(52.0), "two"))
    first, second = found.policies.ranked
    assert first.behind.point == first.behind.low == first.behind.high == 0.0
    assert second.behind.point == pytest.approx(2.0)
    assert second.behind.high - second.behind.low < 0.1
    assert second.summary.high - second.summary.low > 2.0
    assert second.behind.low > 0.0
    assert found.difference(second, first).point == pytest.approx(-2.0)


def test_a_scenarios_interval_is_the_projects_own():
    one = entered(noisy(50.0))
    row = board(one).policies.ranked[0]
    costs = scores.costs_of(one)[0]
    stream = named_generator(f"{scores.STREAM}/{costs.scenario}")
    known = score(costs.rule_eur, costs.own_eur[0], costs.best_eur, stream)
    found = row.scenarios[costs.scenario]
    assert (found.point, found.low, found.high) == (known.point, known.low, known.high)


def test_an_entrys_interval_does_not_depend_on_others():
    one = method([50.0, 52.0, 48.0, 55.0, 45.0])
    alone = board(one).methods.ranked[0].summary
    beside = board(entered(noisy(80.0), "policy"), one, method([60.0] * 5, "other")).methods.ranked[
        1
    ]
    assert (alone.iqm, alone.low, alone.high) == (
        beside.summary.iqm, beside.summary.low, beside.summary.high,
    )  # fmt: skip


def test_what_nobody_else_ran_is_told_where_it_would_stand():
    found = board(
        entered(noisy(60.0), "ranked"),
        entered(noisy(70.0), "rule", division="reference"),
        entered(noisy(90.0), "blind", division="tripwire"),
        entered(noisy(65.0), "mine", tier="self-reported"),
        entered(noisy(66.0), "other", tier="self-reported"),
    )
    mine = found.policies.listed[1]
    assert names([mine, *found.peers(mine)]) == ["mine", "rule", "ranked"]
    assert found.place(mine) == (2, 2, 2)


def test_methods_stand_apart_and_their_trainings_widen_the_interval():
    found = board(
        entered(noisy(50.0), "policy"),
        method([50.0] * 5, "even"),
        method([30.0, 40.0, 50.0, 60.0, 70.0], "uneven"),
    )
    assert names(found.policies.ranked) == ["policy"]
    assert set(names(found.methods.ranked)) == {"even", "uneven"}
    width = {
        row.entered.record.entry.name: row.summary.high - row.summary.low
        for row in found.methods.ranked
    }
    assert width["uneven"] > 2.0 * width["even"]


def test_a_methods_score_is_the_mean_of_its_trainings():
    one = method([30.0, 40.0, 50.0, 60.0, 70.0])
    row = board(one).methods.ranked[0]
    costs = scores.costs_of(one)[0]
    known = method_score(costs.own_eur, costs.rule_eur, costs.best_eur, np.random.default_rng(0))
    found = row.scenarios[costs.scenario]
    assert found.point == pytest.approx(known.point)
    assert found.low == pytest.approx(known.low, abs=1.5)
    assert found.high == pytest.approx(known.high, abs=1.5)


def test_a_network_that_was_held_by_less_is_not_ranked():
    known = entered(noisy(50.0), "loose")
    told = record(known.record.episodes, "loose", sandbox="limits; limits, namespaces")
    (row,) = board(replace(known, record=told)).policies.listed
    assert row.reasons == ("its network was not held by namespaces",)


def test_four_networks_are_no_method():
    found = board(method([50.0] * 4))
    assert found.methods.ranked == ()
    assert found.methods.listed[0].reasons == ("4 networks of 5",)


def floored(share):
    """Good everywhere, and a share of its episodes failed."""
    episodes = scored(lambda scenario, draw: 80.0)
    for one in episodes[: round(share * len(episodes))]:
        one.update(episode(draw=one["draw"], scenario=one["scenario"], score=-100.0, failed=True))
    return replace(entered(noisy(80.0), "failing"), record=record(episodes, "failing"))


@pytest.mark.attack("B16")
def test_failing_on_purpose_leaves_the_ranked():
    # B16: the interquartile mean would not see it
    row = board(floored(2 / 16)).policies.listed[0]
    assert row.summary.iqm > 40.0
    assert "12.5 % of its episodes failed" in row.reasons
    assert row.columns["failed"] == 12.5


@pytest.mark.attack("B15", "B16")
@pytest.mark.parametrize(
    ("own", "says"),
    [
        (lambda s, d: -1.0 if s == "ev-12-v0" else 90.0, "worse than no-trade in ev-12-v0"),
        (lambda s, d: -60.0 if (s, d % 2) == ("ev-12-v0", 1) else 90.0, "heavy tail"),
        (lambda s, d: 101.0 if d == 3 else 50.0, "costs less than the optimum"),
    ],
)
def test_the_gate(own, says):
    found = board(entered(own, "odd"), entered(noisy(20.0), "even"))
    assert names(found.policies.ranked) == ["even"]
    assert found.policies.ranked[0].summary.rank_high == 1
    (row,) = found.policies.listed
    assert says in "; ".join(row.reasons)
    assert row.summary.rank_low == row.summary.group == 0
    assert row.behind.point == pytest.approx(found.policies.ranked[0].summary.iqm - row.summary.iqm)


def test_the_edges_of_the_gate():
    none = board(entered(lambda s, d: 0.0, "zero")).policies.ranked[0]
    assert none.summary.worst == 0.0
    top = board(entered(lambda s, d: 100.0, "top")).policies.ranked[0]
    assert top.summary.iqm == pytest.approx(100.0)


@pytest.mark.parametrize("tier", ["self-reported", "replayed"])
def test_what_no_evaluator_executed_is_not_ranked(tier):
    found = board(entered(noisy(90.0), "claims", tier), entered(noisy(20.0), "executed"))
    assert names(found.policies.ranked) == ["executed"]
    assert tier in found.policies.listed[0].reasons[0]


def test_the_withdrawn_stay_visible_and_unranked():
    found = board(entered(noisy(90.0), "gone", withdrawn=True), entered(noisy(20.0), "here"))
    assert names(found.policies.ranked) == ["here"]
    assert found.policies.listed[0].reasons == ("withdrawn",)


@pytest.mark.parametrize("division", ["reference", "tripwire"])
def test_references_and_tripwires_are_never_ranked(division):
    found = board(entered(noisy(99.0), "known", division=division), entered(noisy(20.0), "own"))
    assert names(found.policies.ranked) == ["own"]
    assert names(found.shown) == ["known"]
    assert found.shown[0].summary.rank_low == 0
    assert found.policies.ranked[0].behind.point == 0.0


def test_scenarios_may_have_different_numbers_of_draws():
    own = scored(noisy(50.0), {"classic-v0": 8, "ev-12-v0": 13})
    found = board(replace(entered(noisy(50.0)), record=record(own)))
    assert found.draws == {"classic-v0": 8, "ev-12-v0": 13}
    assert found.policies.ranked[0].summary.blocks == 2 + 3


def changed(**change):
    """An entry like the others but for its first episode."""
    episodes = scored(noisy(50.0))
    episodes[0].update(change)
    return replace(entered(noisy(50.0), "other"), record=record(episodes, "other"))


@pytest.mark.attack("C04")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rule_eur": 101.0}, "not of one season"),
        ({"best_eur": 59.0}, "not of one season"),
        ({"draw": 1}, "not every file played every draw once"),
        ({"draw": 99}, "not every file played every draw once"),
        ({"file": "second.onnx"}, "not every file played every draw once"),
        ({"scenario": "outage-v0"}, "not every file played every draw once"),
    ],
)
def test_what_was_played_otherwise_shares_no_table(change, says):
    with pytest.raises(RecordError, match=says):
        board(entered(noisy(50.0)), changed(**change))


def test_fewer_draws_or_scenarios_share_no_table():
    for kept in ({"classic-v0": 8}, {"classic-v0": 7, "ev-12-v0": 7}):
        other = replace(entered(noisy(50.0), "less"), record=record(scored(noisy(50.0), kept)))
        with pytest.raises(RecordError, match="played different scenarios or draws"):
            board(entered(noisy(50.0)), other)
    with pytest.raises(RecordError, match="no entries"):
        board()
    with pytest.raises(RecordError, match="has no episodes"):
        board(replace(entered(noisy(50.0)), record=record([])))


def test_files_of_an_entry_agree_on_the_scale():
    one = method([50.0] * 5)
    episodes = [each.model_dump() for each in one.record.episodes]
    episodes[-1]["rule_eur"] += 1.0
    with pytest.raises(RecordError, match="differ in the ends of the scale"):
        board(replace(one, record=record(episodes, division="method")))


def test_focal_columns():
    seats = [
        {
            **{key: episode(draw=draw)[key] for key in (
                "file", "scenario", "draw", "faults", "failed", "trace", "trace_sha256", "chain",
            )},
            "seat": seat, "cost_eur": 10.0 - draw, "alone_eur": 14.0, "truthful_eur": 12.0,
            "others_gain_eur": -1.0,
        }
        for draw in range(4) for seat in (0, 3)
    ]  # fmt: skip
    one = replace(entered(noisy(50.0)), record=record(scored(noisy(50.0)), focal=seats))
    found = board(one).policies.ranked[0].focal
    assert found["saving"].point == pytest.approx(5.5)
    assert found["saving"].low < 5.5 < found["saving"].high
    assert found["edge"].point == pytest.approx(3.5)
    assert (found["others"].point, found["others"].low) == (-1.0, -1.0)


def test_trainings_of_two_methods_are_drawn_apart():
    # equal levels: a draw that served both would know their difference exactly
    levels = [30.0, 40.0, 50.0, 60.0, 70.0]
    first, second = board(method(levels, "one"), method(levels, "two")).methods.ranked
    assert first.behind.low == first.behind.high == 0.0
    assert second.behind.point == pytest.approx(0.0)
    assert second.behind.high - second.behind.low > 20.0


def test_an_episode_that_one_network_played_twice_is_refused():
    one = method([50.0] * 5)
    episodes = [each.model_dump() for each in one.record.episodes]
    twice = replace(one, record=record([*episodes, episodes[0]], division="method"))
    with pytest.raises(RecordError, match="not every file played every draw once"):
        board(twice)
