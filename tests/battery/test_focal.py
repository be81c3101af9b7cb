"""One battery of a fleet in focus, all others bots: several draws of each week."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.battery.scenario import build
from p2p_market.battery.track import CARD
from p2p_market.commands.app import app
from p2p_market.errors import PolicyError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.focal import focal as rooms
from p2p_market.evaluation.focal.focal import focal, units_of_work
from p2p_market.evaluation.focal.summary import focal_record, summarise, weekly_mean
from p2p_market.evaluation.players.population import load_population
from p2p_market.registry import load_scenario

FLEET = build(load_scenario("battery-fleet-4-v0").spec.model_copy(update={"days": 2}))
WEEKS = (3, 8)


@pytest.fixture(scope="module")
def result():
    told = []
    found = focal(FLEET, ["reserve-first"], "train", WEEKS, progress=told.append)
    assert sum(told) == units_of_work(FLEET, ["reserve-first"], len(WEEKS))
    return found


@pytest.mark.compiled
def test_every_draw_of_a_week_is_played_with_the_bots_of_the_track(result):
    assert result.population.name == "battery-population-1"
    assert [(key.start_day, key.seed) for key in result.keys] == [
        (keys[0].start_day, seed)
        for keys in (one.keys for one in draw_weeks(FLEET, "train", WEEKS, 0)[::4])
        for seed in range(4)
    ]
    assert result.units.tolist() == [3] * 4 + [8] * 4
    assert {row.cost_eur.shape for row in result.rows} == {(8, 4)}


def test_the_rule_saves_nothing_and_gives_nothing(result):
    """What a battery pays that only delivers its position depends on nobody."""
    assert result.compared == "dam-only"
    assert result.saving_eur("dam-only") == pytest.approx(0.0, abs=1e-9)
    assert not result.others_gain_eur("dam-only").any()
    assert np.all(result.saving_eur("reserve-first") != 0.0)
    assert result.others_gain_eur("reserve-first").any()  # it takes reserve away from the bots


def test_a_draw_is_that_of_its_place(result):
    single = draw_weeks(FLEET, "train", [WEEKS[1]], 0)[2]
    crowd = load_population(CARD.extras["population"])
    costs = rooms.play_seats(FLEET, single, crowd, "reserve-first", range(4))
    assert result.row("reserve-first").cost_eur[6].tolist() == np.diagonal(costs).tolist()


def test_intervals_draw_weeks_whole(result):
    values = np.random.default_rng(0).normal(3.0, 2.0, (13, 4))
    whole = weekly_mean(values.ravel(), np.arange(13).repeat(4))
    means = weekly_mean(values.mean(axis=1))
    assert (whole.low, whole.high) == pytest.approx((means.low, means.high))
    assert whole.point == pytest.approx(means.point)
    one = replace(result, keys=result.keys[:4], alone_eur=result.alone_eur[:4], rows=tuple(
        replace(row, cost_eur=row.cost_eur[:4], others_eur=row.others_eur[:4])
        for row in result.rows
    ))  # fmt: skip
    assert np.isnan(summarise(one)[0].saving_eur.low)  # four draws of one week
    assert len(focal_record(one)["episodes"]) == 4


def test_a_battery_alone_has_nobody_beside_it():
    with pytest.raises(PolicyError, match="battery-146-v0: its only agent has nobody beside it"):
        focal(load_scenario("battery-146-v0"), ["reserve-first"], weeks=[0])


@pytest.mark.compiled
def test_the_command_plays_a_fleet(tmp_path):
    yaml = pytest.importorskip("yaml")
    path = tmp_path / "two-days-v0.yaml"
    spec = FLEET.spec.model_copy(update={"id": "two-days-v0"})
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")), encoding="utf-8")
    asked = ["focal", "-p", "reserve-first", "--split", "train", "--weeks", "3", "-w", "1"]
    done = CliRunner().invoke(app, [*asked, "-s", str(path), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "1 episode of 2 days with 4 draws, battery-population-1" in done.output
    assert "where all play dam-only" in " ".join(done.output.split())
    (left,) = (tmp_path / "out").iterdir()
    assert json.loads(left.read_text())["population"] == "battery-population-1"
    refused = CliRunner().invoke(app, [*asked, "-s", "battery-146-v0", "-o", str(tmp_path)])
    assert refused.exit_code != 0
    assert "nobody beside it" in " ".join(refused.output.split())
