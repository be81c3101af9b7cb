"""The page of batteries: money by market, labels of all series, a week in pictures."""

import importlib

import pytest

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from p2p_market.battery.records import LEDGER_ENTRIES, MARKET, SHAPING
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.registry import load_scenario
from tests.report.test_report import parse

write = importlib.import_module("report.page").write
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
    assert "0 means that the battery delivers its day-ahead position and does nothing" in text
    assert "100 means the perfect-foresight optimum of all batteries" in text
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
    assert told.startswith("measured: day ahead; synthetic: activation, ")
    for name in MARKET:
        assert name.replace("_", " ") in told
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
