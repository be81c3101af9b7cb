"""The card page says what the code does: names, choices, entries, and figures of the tables."""

import re
from pathlib import Path

import numpy as np
import pytest

from p2p_market.battery.actions import BIDS, ENERGIES, OFFERS, TIER_CHOICES
from p2p_market.battery.observation import features
from p2p_market.battery.records import LEDGER_ENTRIES, MARKET, SHAPING, TIERS
from p2p_market.battery.settlement import ladder_kernel
from p2p_market.battery.track import CARD
from p2p_market.data.own.columns import COLUMNS
from p2p_market.evaluation.ends.reference import entries, reference_keys
from p2p_market.registry import load_scenario
from tests.battery.cases import scenario
from tests.every_scenario import ids_of

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "tracks" / "battery.md").read_text("utf-8")
DATA = (ROOT / "docs" / "data.md").read_text("utf-8")


def section(name):
    """Rows of the tables of a section, by cell."""
    (part,) = re.findall(rf"^## {name}\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL)
    rows = [line for line in part.splitlines() if re.match(r"\| [`\d]", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def numbered(cell):
    first, *last = re.findall(r"\d+", cell)
    return range(int(first), int((last or [first])[0]) + 1)


def named(cell):
    """Names in a cell; `a_1` ... `a_3` stands for all between."""
    names = re.findall(r"`([\w-]+)`", cell)
    if " ... " not in cell:
        return names
    (stem, first), (_, last) = (name.rsplit("_", 1) for name in names)
    return [f"{stem}_{number}" for number in range(int(first), int(last) + 1)]


def test_every_number_of_an_observation_stands_in_its_place():
    found = {}
    for cells in section("Observation"):
        places = numbered(cells[0])
        assert len(places) == len(named(cells[1])), cells
        found |= dict(zip(places, named(cells[1]), strict=True))
    assert found == dict(enumerate(one.name for one in features(scenario())))


def test_choices_and_their_number():
    ends = {named(cells[0])[0]: numbered(cells[1])[-1] + 1 for cells in section("Action")}
    assert ends == {"offer": OFFERS, "tier": TIER_CHOICES, "energy": ENERGIES, "bid_0": BIDS}
    assert "price " + ", ".join(f"{tier:.2f}" for tier in TIERS) in TEXT


def test_entries_of_the_ledger_and_who_counts_them():
    found = [(name, cells[2]) for cells in section("Ledger and reward") for name in named(cells[0])]
    assert tuple(name for name, _ in found) == LEDGER_ENTRIES
    assert {name for name, who in found if who == "reward alone"} == set(SHAPING)


def test_every_series_and_every_column_of_a_file_is_there():
    series = TEXT.partition("## Series")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", series)) >= MARKET.keys() - {"day_ahead"}
    table = DATA.partition("## Your own markets")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE)
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert listed - {"time_utc", "MTU"} == COLUMNS.keys()


def test_the_ladder_of_the_fleet():
    moved = [ladder_kernel(volume, 0.1) for volume in (4.0, 10.0, 25.0, -35.0)]
    assert "1.0, 1.0, 2.6, -3.5714" in TEXT
    assert moved == pytest.approx([1.0, 1.0, 2.6, -3.5714], abs=5e-5)


def test_figures_of_the_scenarios_are_those_of_the_tables():
    rows = {named(cells[0])[0]: cells[2:] for cells in section("Scenarios")}
    assert rows.keys() == set(ids_of("battery"))
    for name, told in rows.items():
        table = entries(load_scenario(name))
        assert len(table) == len(reference_keys(load_scenario(name))) == 52
        assert all(entry.holds for entry in table)
        means = [np.mean([getattr(one, end) for one in table]) for end in ("rule_eur", "bound_eur")]
        assert told == [f"{mean:+,.0f}" for mean in means], name


def test_rules_that_are_named_exist():
    assert set(CARD.baselines) >= {"dam-only", "reserve-first", "random-masked"}
