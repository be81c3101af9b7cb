"""The page of batteries: money by market, labels of all series, a week in pictures."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from p2p_market.battery.records import LEDGER_ENTRIES, MARKET, SHAPING
from p2p_market.commands import tables
from p2p_market.commands.screen import Screen
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.registry import load_scenario
from tests.report.test_report import parse

report_page = importlib.import_module("report.page")
write = report_page.write
columns = importlib.import_module("report.columns")
NEW_YEAR = importlib.import_module("report.days").NEW_YEAR
pages = importlib.import_module("report.battery.pages")
week = importlib.import_module("report.battery.week")
pytestmark = pytest.mark.xdist_group("battery")


@pytest.fixture(scope="module")
def result():
    return evaluate(load_scenario("battery-146-v0"), ["reserve-first"], weeks=[1])


@pytest.fixture(scope="module")
def page(result, tmp_path_factory):
    return parse(write([result], tmp_path_factory.mktemp("run"), "Batteries"))


def test_the_page_has_its_pictures_and_says_its_ends(page):
    assert len(page.images) == 3  # scores, money, the week
    text = " ".join(" ".join(page.text).split())
    assert "0 is the rule dam-only: the battery delivers its day-ahead position and does" in text
    assert "100 is the perfect-foresight optimum of all batteries" in text
    assert "A week in four markets" in text
    assert "community" not in text
    assert "1 week with 4 draws from the test part of 2018, seeds 0, 1, 2, 3" in text
    assert "holds in 4 of 4 draws" in text
    assert "mean of draws worst draw cost EUR a week" in text
    assert "on average over all weeks and all draws of them" in text
    (rows,) = page.tables
    assert [row[0] for row in rows] == ["dam-only", "reserve-first", "optimum"]


def test_every_series_has_its_label(result):
    told = pages.data_labels(result.scenario)
    assert told.startswith("measured: day-ahead price; synthetic: intraday price, spread of ")
    assert "aFRR capacity down, marginal aFRR offer, " in told
    assert list(pages.SERIES) == list(MARKET)
    assert all(words in told for words in pages.SERIES.values())
    (source,) = pages.sources(result.scenario)
    assert "CC-BY-4.0" in source


def test_colours_and_curves_cover_the_ledger():
    paid = set(LEDGER_ENTRIES) - set(SHAPING)
    assert pages.COLORS.keys() == paid
    same = {"dam": "day-ahead", "afrr_capacity": "aFRR capacity", "mfrr": "mFRR"}
    assert same.items() <= pages.WORDS.items()  # as the columns of the table
    assert {*same.values(), pages.WORDS["afrr_energy"]} <= {one.name for one in pages.COLUMNS}
    assert pages.WORDS.keys() <= paid
    shown = [name for names, _ in week.EARNED.values() for name in names]
    assert set(shown) == paid - {"terminal"}
    assert len(shown) == len(set(shown))


def test_the_best_policy_stands_beside_the_optimum(result):
    assert week._compared(result) == "reserve-first"
    alone = evaluate(result.scenario, [], weeks=[1])
    assert "under dam-only and optimum" in week.week_picture(alone).alt


def test_ends_of_the_scale_have_no_interval(result, monkeypatch, capsys):
    """The optimum's schedule costs a little more than the bound that is 100."""
    low = replace(result.rows[-1].score, low=99.9, high=100.0)
    ends = replace(result, rows=(*result.rows[:-1], replace(result.rows[-1], score=low)))
    by_name = {column.name: column for column in columns.SCORE}
    assert all(np.isnan(by_name[name].of(ends.rows[-1])) for name in ("95 % from", "95 % to"))
    monkeypatch.setattr(tables, "_weeks", lambda result: 13)
    monkeypatch.setattr(tables, "console", Screen())
    tables.print_result(ends)
    lines = capsys.readouterr().out.splitlines()
    for name in ("dam-only", "optimum"):
        assert any(line.startswith(name) and "\N{EN DASH}" in line for line in lines)
    assert not any("100.0..100.0" in line for line in lines)


def test_a_page_about_own_days_says_so_and_takes_over_no_description(result):
    spec = result.scenario.spec.model_copy(update={"prices": "own:mine", "id": "mine"})
    assert report_page._description(result.scenario.spec).startswith("A trader runs one battery")
    assert report_page._description(spec) == ""
    mine = spec.model_copy(update={"description": "Mine."})
    assert report_page._description(mine) == "Mine."
    own = replace(result, scenario=replace(result.scenario, spec=spec))
    said = report_page._weeks(own, NEW_YEAR)
    assert "They are days of your file, put on the calendar of 2018." in said
    assert "your file" not in report_page._weeks(result, NEW_YEAR)
