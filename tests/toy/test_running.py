"""Side by side, far away, after an interruption; and what is said over all of it."""

import csv
import json

import numpy as np
import pytest
import yaml

from p2p_market.evaluation.benchmark import evaluate, units_of
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay
from p2p_market.evaluation.running.parallel import evaluate_all, evaluate_each
from p2p_market.evaluation.running.part_store import PartStore
from p2p_market.evaluation.running.parts import units_of_work
from p2p_market.evaluation.statistics.bootstrap import draw_weeks as drawn
from p2p_market.evaluation.statistics.bootstrap import effective_weeks, interval
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.evaluation.tables.overview import Costs, over_scenarios
from p2p_market.evaluation.tables.roles import money_of_roles, private_columns
from p2p_market.registry import load_scenario
from tests.evaluation.runs import deaf, written
from tests.toy.conftest import CAST, SCENARIO, command


def counted(monkeypatch):
    """How often a rule is asked."""
    from p2p_market.kit.policies import Rule

    asked, act = [], Rule.act
    monkeypatch.setattr(Rule, "act", lambda *given: asked.append(None) or act(*given))
    return asked


def test_an_interrupted_run_goes_on(job, whole, tmp_path, monkeypatch):
    asked, store = counted(monkeypatch), PartStore(tmp_path)
    told = []

    def interrupt(number, units):
        told.append(units)
        if sum(told) > 4 * job.scenario.steps:  # the second optimum
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(evaluate_each([job], 1, interrupt, store))
    assert len(list((tmp_path / "parts").iterdir())) == 3
    assert len(list((tmp_path / "optima").iterdir())) == 1
    before = len(asked)
    assert written(evaluate_all([job], 1, deaf, PartStore(tmp_path)), tmp_path / "run") == whole
    a_day, rules = 24, 5  # both of the rule, both of thrifty, the storage of the cast
    assert len(asked) - before == a_day * rules


def test_all_that_is_played_is_told(job):
    told = []
    evaluate_all([job], 1, lambda number, units: told.append(units))
    assert sum(told) == units_of_work(job)


def test_two_processes_give_the_same_bytes(job, whole, tmp_path):
    assert written(evaluate_all([job], 2, deaf), tmp_path) == whole


@pytest.mark.xdist_group("ray")
def test_ray_gives_the_same_bytes(job, whole, tmp_path):
    pytest.importorskip("ray")
    assert written(evaluate_all([job], 2, deaf, ray="local"), tmp_path) == whole


# Statistics


def test_money_is_told_role_by_role(scenario, run):
    result = evaluate(scenario, ["thrifty", CAST], weeks=[1, 3])
    found = {(one.role, one.policy): one for one in money_of_roles(result)}
    assert len(found) == 2 * 4
    idle, thrifty = (row.private_cost_eur for row in result.rows[:2])
    plant = found["plant", "thrifty"]
    assert plant.cost_eur == pytest.approx(thrifty[:, 2].mean())
    assert plant.saved_eur.point == pytest.approx((idle - thrifty)[:, 2].mean())
    assert found["storage", "thrifty"].cost_eur == pytest.approx(thrifty[:, :2].sum(axis=1).mean())
    assert found["storage", CAST].cost_eur == found["storage", "thrifty"].cost_eur
    rows = [
        one
        for one in csv.DictReader((run / "metrics.csv").read_text().splitlines())
        if one["policy"] == CAST
    ]
    mean = np.mean([float(one["storage_private_cost_eur"]) for one in rows])
    assert mean == pytest.approx(found["storage", CAST].cost_eur)
    assert "Money of each role" in (run / "report.html").read_text()


def test_one_role_has_no_table_of_roles():
    result = evaluate(load_scenario("battery-146-v0"), [], weeks=[0])
    assert money_of_roles(result) == []
    assert private_columns(result, result.rows[0]) == {}


def test_intervals_draw_units_whole(scenario):
    result = evaluate(scenario, ["random"])
    assert units_of(scenario, result.episode.keys).tolist() == np.repeat(range(5), 3).tolist()
    costs = (row.social_cost_eur for row in result.rows)
    rule, own, best = (cost.reshape(5, 3).sum(axis=1) for cost in costs)
    chosen = drawn(np.random.default_rng(0), 1, 5)[:, 0]
    draws = ratio_of_sums(rule[chosen], own[chosen], best[chosen])
    expected = interval(0.0, draws, effective_weeks(rule - best))
    found = result.rows[1].score
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two runs over two scenarios that share their weeks."""
    folder = tmp_path_factory.mktemp("two")
    more = {"extends": str(SCENARIO), "id": "toy-more-v0", "storages": 3}
    (folder / "more.yaml").write_text(yaml.safe_dump(more))
    for name in ("thrifty", "random"):
        asked = ["-s", SCENARIO, "-s", folder / "more.yaml", "-p", name, "--workers", 1]
        command("benchmark", *asked, "-o", folder / name)
    return [next((folder / name).glob("*-benchmark")) for name in ("thrifty", "random")]


def test_scenarios_are_summed_up_by_unit(two):
    for folder in two:
        summary = read_run(folder)["summary"]
        assert {one["blocks"] for one in summary} == {2}  # of five units each scenario is one block
        assert replay(folder, read_run(folder)) == []


def test_runs_are_compared(two, run, tmp_path):
    command("compare", *two, "-p", "thrifty=random", "-o", tmp_path / "table.json")
    found = json.loads((tmp_path / "table.json").read_text())
    assert [one["scenario"] for one in found["scenarios"]] == ["toy-v0", "toy-more-v0"]
    assert all(one["score"]["low"] > 0.0 for one in found["scenarios"])
    assert len(found["all_scenarios"]) == 1
    assert f"{CAST} - idle" in command("compare", run, run, "-p", f"{CAST}=idle")


def test_tracks_are_not_summed_up():
    costs = {name: np.array([cost]) for name, cost in (("idle", 2.0), ("optimum", 1.0))}
    here, there = (
        [Costs(name, (0,), costs, costs["optimum"], track, "idle") for name in ("a", "b")]
        for track in ("toy", "community")
    )
    assert len(over_scenarios(here)) == 1
    assert over_scenarios([here[0], there[1]]) == []


def test_a_run_over_several_tracks(tmp_path):
    pytest.importorskip("cvxpy")
    asked = ["-s", SCENARIO, "-s", "classic-v0", "-p", "random", "--weeks", 4, "--workers", 1]
    command("benchmark", *asked, "-o", tmp_path)
    (folder,) = tmp_path.glob("*-benchmark")
    rows = list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
    assert [row["scenario"] for row in rows] == ["toy-v0"] * 9 + ["classic-v0"] * 3
    assert all(row["traded_kwh"] == "" for row in rows[:9])
    assert all(row["produced_kwh"] == "" for row in rows[9:])
    assert replay(folder, read_run(folder)) == []
