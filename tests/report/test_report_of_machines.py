"""What the page tells of machines: their week, the weather, many causes as lines."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from p2p_market.community.health import health
from p2p_market.community.metrics import missing_and_spilled_kwh
from p2p_market.community.optimum.breakdown import Breakdown, causes_of
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.registry import load_scenario
from report.community import losses
from report.community.health import health_tables
from report.community.machines import machines_picture, shown
from report.community.pages import data_labels, sources
from report.community.week import telling_week
from tests.community.machines.zoo import community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all


@lru_cache
def result():
    return evaluate(community("heated_room"), ["truthful"], weeks=[6])


@pytest.mark.compiled
def test_missing_and_spilled_energy_is_what_the_ledger_charges():
    found = result()
    scenario, episode = found.scenario, found.episode
    prices = scenario.nodes.machines
    for played in found.trajectories.values():
        missing, spilled = missing_and_spilled_kwh(scenario, episode, played)
        eur = missing * prices.missing_eur_per_kwh + spilled * prices.spilled_eur_per_kwh
        column = played.entries_eur[..., LEDGER_COLUMN["shortfall"]]
        assert eur.sum(axis=-1) == pytest.approx(column, abs=1e-9)
    assert spilled.sum() > 1.0  # windows are opened in summer


@pytest.mark.compiled
def test_a_week_shows_each_kind_of_machine_once():
    week = telling_week(result())
    assert shown(week) == [(0, 0, "heated_room")]
    picture = machines_picture(week)
    assert picture.alt.startswith("Levels and powers of heated room from ")
    assert picture.alt.endswith("under truthful, optimum.")
    assert machines_picture(week).source == picture.source


@pytest.mark.compiled
def test_many_causes_are_lines_and_few_are_columns():
    found = result()
    few = losses.why(found)
    assert few.head == "policy"
    assert few.columns[0] == "total"
    kinds = [["heat_pump", "cold_store", "hydrogen", "battery", "biogas_chp"]]
    causes = causes_of(kinds)
    eur = np.zeros((1, len(causes), 24))
    eur[0, :, 12] = np.arange(1.0, len(causes) + 1.0)
    many = Breakdown(causes, eur, np.ones((1, 2)))
    rows = tuple(row if row.lost is None else replace(row, lost=many) for row in found.rows)
    told = losses.why(replace(found, rows=rows))
    assert told.head == "cause"
    assert told.columns == [row.policy for row in found.rows[:-1]]
    lines = {line.policy: line.cells for line in told.lines}
    single = [cause for cause in causes if not cause.kind]
    assert len(lines) == 1 + len(single) + len(kinds[0])
    assert next(iter(lines)) == "total"
    place = [cause.choice for cause in causes].index("exchange")
    assert lines["trade"] == (f"{place + 1:.2f}",) * 2
    of_pump = [place + 1 for place, cause in enumerate(causes) if cause.kind == "heat_pump"]
    assert lines["heat pump"] == (f"{sum(of_pump):.2f}",) * 2
    pump = [line for line in told.details if line.policy.startswith("heat pump ")]
    assert [line.cells[0] for line in pump] == [f"{eur:.2f}" for eur in of_pump]
    assert [line.policy for line in pump] == [line.policy for line in told.details[:3]]
    assert len(told.details) == len(causes) - len(single)
    assert not few.details
    parts = losses.parts(rows[0], causes)
    assert {part.name for part in parts} >= {"trade", "devices: power", "devices: too full"}
    assert sum(part.eur.sum() for part in parts) == pytest.approx(eur.sum())


@pytest.mark.compiled
def test_what_weeks_take_of_batteries_is_told_where_their_life_is_known():
    found = evaluate(community("outdoor_battery"), ["truthful"], weeks=[6])
    (table,) = health_tables(found)
    told = health(found.scenario, found.trajectories["truthful"])
    cycles, fade = told.full_cycles[0, 0, 0], 100.0 * told.soh_loss_per_year[0, 0, 0]
    (line,) = [line for line in table.lines if line.policy == "truthful"]
    assert line.cells == (f"{cycles:.1f}", f"{fade:.1f}", f"{fade:.1f}", "prosumer_0")
    assert fade > 1.0
    assert [line.policy for line in table.lines] == [row.policy for row in found.played]
    assert not health_tables(result())


def test_the_data_box_names_what_moves_devices():
    village = load_scenario("assets-12-v0")
    told = data_labels(village)
    assert told.endswith(
        " Wind: derived, local gusts synthetic, temperature: typical year, rivers: measured, "
        "heat: simulated, hot water: simulated."
    )
    assert any("Deutscher Wetterdienst" in source for source in sources(village))
    plain = load_scenario("classic-v0")
    assert "temperature" not in data_labels(plain)
    assert not any("Wetterdienst" in source for source in sources(plain))
