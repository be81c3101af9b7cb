"""Two runs side by side: hand-made records, and the command."""

import copy
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.cli import app
from p2p_market.errors import ReplayError
from p2p_market.evaluation.comparison import compare_runs, paired


def record(costs: dict[str, list[float]], weeks: tuple[int, ...] = (0, 1, 2)) -> dict:
    own = {"no-trade": [10.0] * len(weeks), "optimum": [0.0] * len(weeks), **costs}
    return {
        "schema": "p2p_market/run/1",
        "scenarios": [
            {
                "id": "street-v0",
                "digest": "d",
                "episodes": [{"split": "test", "start_day": week, "seed": 0} for week in weeks],
                "certificates": [{"mixed_integer": False}] * len(weeks),
                "policies": [{"policy": n, "social_cost_eur": c} for n, c in own.items()],
            }
        ],
    }


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
        (lambda r: r["scenarios"][0]["policies"].pop(), "share no policy"),
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


def test_the_command(tmp_path):
    for name, cost in (("a", 4.0), ("b", 6.0)):
        (tmp_path / name).mkdir()
        text = json.dumps(record({"mine": [cost] * 3}))
        (tmp_path / name / "run.json").write_text(text, encoding="utf-8")
    folders = [str(tmp_path / name) for name in ("a", "b")]
    told = CliRunner().invoke(app, ["compare", *folders, "-o", str(tmp_path / "out.json")])
    assert told.exit_code == 0, told.output
    assert "-2.00" in told.output
    (found,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["score"] == {"point": 20.0, "low": 20.0, "high": 20.0}
    missing = CliRunner().invoke(app, ["compare", folders[0], str(tmp_path / "c")])
    assert missing.exit_code == 2
