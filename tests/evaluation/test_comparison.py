"""Two runs side by side: hand-made records, and the command."""

import copy
import hashlib
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.errors import ReplayError
from p2p_market.evaluation.tables.comparison import compare_overall, compare_runs, paired


def record(
    costs: dict[str, list[float]], weeks: tuple[int, ...] = (0, 1, 2), name: str = "street-v0"
) -> dict:
    own = {"no-trade": [10.0] * len(weeks), "optimum": [0.0] * len(weeks), **costs}
    digest = hashlib.sha256(name.encode()).hexdigest()
    proof = {"plan_eur": 0.0, "bound_eur": 0.0, "replay_eur": 0.0, "holds": True}
    return {
        "schema": "p2p_market/run/1",
        "created_utc": "2026-01-01T00:00:00+00:00",
        "versions": {"p2p-market": "0.1.0"},
        "scenarios": [
            {
                "id": name,
                "digest": digest,
                "specification": {"id": name},
                "data": {"name": "de2018", "digest": digest},
                "episodes": [{"split": "test", "start_day": week, "seed": 0} for week in weeks],
                "certificates": [proof | {"mixed_integer": False}] * len(weeks),
                "policies": [
                    {
                        "policy": policy,
                        "score": {},
                        "social_cost_eur": cost,
                        "digests": [digest] * len(weeks),
                        "actions": f"actions/{policy}.npz",
                    }
                    for policy, cost in own.items()
                ],
            }
        ],
    }


def merged(*records: dict) -> dict:
    """One record with the scenarios of several."""
    return records[0] | {"scenarios": [entry for one in records for entry in one["scenarios"]]}


def test_differences_by_hand():
    first = record({"mine": [4.0, 5.0, 6.0], "idle": [9.0, 9.0, 9.0]})
    second = record({"mine": [5.0, 7.0], "other": [1.0, 1.0]}, weeks=(2, 1))
    (found,) = compare_runs(first, second)
    assert (found.scenario, found.first, found.second, found.episodes) == (
        "street-v0",
        "mine",
        "mine",
        2,
    )
    assert found.cost_eur.point == pytest.approx(((5.0 - 7.0) + (6.0 - 5.0)) / 2.0)
    assert found.score.point == pytest.approx(100.0 * (9.0 - 8.0) / 20.0)
    (named,) = compare_runs(first, second, [("idle", "other")])
    assert named.cost_eur.point == 8.0
    assert (named.cost_eur.low, named.cost_eur.high) == (8.0, 8.0)


def test_intervals_are_paired():
    """What all weeks share drops out: a constant difference has no width."""
    generator = np.random.default_rng(0)
    hard = generator.uniform(0.0, 100.0, 13)
    cost, _ = paired(hard + 1.0, hard, hard + 10.0, hard - 10.0)
    assert (cost.low, cost.point, cost.high) == pytest.approx((1.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r["scenarios"][0].update(digest="e"), "share no scenario"),
        (lambda r: r["scenarios"][0]["episodes"].clear(), "share no episode"),
        (lambda r: r["scenarios"][0]["policies"].pop(), "no policy between the ends in common"),
        (
            lambda r: r["scenarios"][0]["policies"][0].update(social_cost_eur=[1.0, 1.0, 1.0]),
            "disagree",
        ),
    ],
)
def test_runs_that_cannot_be_compared_say_why(change, words):
    first = record({"mine": [4.0, 5.0, 6.0]})
    second = copy.deepcopy(first)
    change(second)
    with pytest.raises(ReplayError, match=words):
        compare_runs(first, second)


def test_an_unknown_policy_lists_the_known_ones():
    run = record({"mine": [4.0, 5.0, 6.0]})
    with pytest.raises(ReplayError, match=r"no policy 'yours'; known: no-trade, optimum, mine"):
        compare_runs(run, run, [("mine", "yours")])


def test_all_scenarios_by_hand():
    first = merged(
        record({"mine": [4.0, 5.0, 6.0], "idle": [9.0] * 3}),
        record({"mine": [2.0, 2.0, 9.0]}, name="town-v0"),
    )
    second = merged(
        record({"mine": [5.0, 7.0], "other": [1.0, 1.0]}, weeks=(2, 1)),
        record({"mine": [9.0, 1.0], "other": [2.0, 2.0]}, weeks=(2, 1), name="town-v0"),
    )
    (found,) = compare_overall(first, second)
    assert (found.first, found.second) == ("mine", "mine")
    assert (found.scenarios, found.episodes) == (2, 2)
    # blocks of both weeks score 45 and 45 against 40 and 50: all four lie in the middle half
    assert found.iqm.point == pytest.approx(45.0 - 45.0)
    # episodes: 50 and 40 against 30 and 50, then 80 and 10 against 90 and 10
    street, town = 1 + 0.5 + 1 + 0, 0 + 1 + 0 + 0.5
    assert found.probability.point == pytest.approx((street + town) / 8.0)
    assert found.probability.low <= found.probability.point <= found.probability.high
    named = compare_overall(first, second, [("mine", "other")])
    assert named[0].iqm.point == pytest.approx(45.0 - (90.0 + 80.0) / 2.0)
    assert compare_overall(first, second, [("mine", "other")]) == named  # weeks of a named stream


def test_all_scenarios_only_of_the_same_weeks():
    mine = {"mine": [4.0, 5.0, 6.0]}
    street, town = record(mine), record(mine, name="town-v0")
    later = record(mine, weeks=(0, 1, 3), name="town-v0")
    assert compare_overall(street, street) == []
    assert compare_overall(merged(street, later), merged(street, later)) == []
    # what counts are the weeks that both runs have
    short = merged(*(record({"mine": [1.0, 1.0]}, (0, 1), n) for n in ("street-v0", "town-v0")))
    (found,) = compare_overall(merged(street, later), short)
    assert found.episodes == 2
    both = merged(street, town)
    assert [one.scenario for one in compare_runs(both, both)] == ["street-v0", "town-v0"]


def test_all_scenarios_only_of_policies_that_played_them_all():
    run = merged(record({"mine": [4.0] * 3}), record({"yours": [4.0] * 3}, name="town-v0"))
    assert len(compare_runs(run, run)) == 2
    assert compare_overall(run, run) == []


def test_the_policies_of_one_run_are_compared_with_the_one_that_counts():
    costs = {"mine:make": [4.0] * 3, "storage-value": [6.0] * 3, "yours:make": [3.0] * 3}
    found = compare_runs(record(costs), None)
    assert [(one.first, one.second, one.cost_eur.point) for one in found] == [
        ("mine:make", "storage-value", -2.0),
        ("yours:make", "storage-value", -3.0),
    ]
    with_rule = record(costs | {"truthful": [9.0] * 3})
    assert {one.second for one in compare_runs(with_rule, None)} == {"truthful"}
    own = record({"mine:make": [4.0] * 3, "yours:make": [3.0] * 3})
    assert [(one.first, one.second) for one in compare_runs(own, None)] == [
        ("yours:make", "mine:make")
    ]
    (named,) = compare_runs(record(costs), None, [("yours:make", "mine:make")])
    assert named.cost_eur.point == -1.0
    with pytest.raises(ReplayError, match="fewer than two policies"):
        compare_runs(record({"mine:make": [4.0] * 3}), None)


def run_folder(path, run):
    path.mkdir()
    (path / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return str(path)


def test_the_command(tmp_path):
    folders = [
        run_folder(tmp_path / name, record({"mine": [cost] * 3}))
        for name, cost in (("a", 4.0), ("b", 6.0))
    ]
    told = CliRunner().invoke(app, ["compare", *folders, "-o", str(tmp_path / "out.json")])
    assert told.exit_code == 0, told.output
    assert "-2.00" in told.output
    assert "All " not in told.output
    tables = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    (found,) = tables["scenarios"]
    assert found["score"] == {"point": 20.0, "low": 20.0, "high": 20.0}
    assert tables["all_scenarios"] == []
    alone = run_folder(tmp_path / "one", record({"mine": [4.0] * 3, "truthful": [6.0] * 3}))
    for words in ([alone], [alone, alone], [alone, "-p", "mine=truthful"]):
        told = CliRunner().invoke(app, ["compare", *words])
        assert told.exit_code == 0, told.output
        assert "mine - truthful" in told.output
        assert "-2.00" in told.output
    missing = CliRunner().invoke(app, ["compare", folders[0], str(tmp_path / "c")])
    assert missing.exit_code == 2


def test_the_command_over_all_scenarios(tmp_path):
    folders = [
        run_folder(
            tmp_path / name,
            merged(record({"mine": [cost] * 3}), record({"mine": [cost] * 3}, name="town-v0")),
        )
        for name, cost in (("a", 4.0), ("b", 6.0))
    ]
    told = CliRunner().invoke(app, ["compare", *folders, "-o", str(tmp_path / "out.json")])
    assert told.exit_code == 0, told.output
    assert "All 2 scenarios (3 weeks each)" in told.output
    assert "100 %" in told.output
    (found,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["all_scenarios"]
    assert (found["scenarios"], found["episodes"]) == (2, 3)
    assert found["iqm"] == {"point": 20.0, "low": 20.0, "high": 20.0}
    assert found["probability"] == {"point": 1.0, "low": 1.0, "high": 1.0}
