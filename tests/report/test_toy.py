"""The page of a track that brings nothing of its own: table, scores, money, certificate."""

import importlib
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
pytest.importorskip("scipy")

from p2p_market.evaluation.benchmark import evaluate
from p2p_market.registry import load_scenario
from report.pages import Pages, pages_of
from tests.report.test_report import parse
from tests.toy import conftest as toy

write = importlib.import_module("report.page").write
money = importlib.import_module("report.money")
installed = toy.installed
pytestmark = pytest.mark.xdist_group("toy")


@pytest.fixture(scope="module")
def result(installed):
    return evaluate(load_scenario(toy.SCENARIO), ["thrifty", "random"], weeks=[0, 1])


@pytest.fixture(scope="module")
def page(result, tmp_path_factory):
    return parse(write([result], tmp_path_factory.mktemp("run"), "A toy"))


def test_it_has_what_every_track_has(page, result):
    assert pages_of(result.scenario) == Pages()
    assert len(page.images) == 2  # scores, money
    rows, ((compared, *_),), money = page.tables
    assert compared in ("thrifty", "random")  # with the other
    everyone = ["idle", "thrifty", "random", "optimum"]
    assert [row[0] for row in rows] == [row[0] for row in money] == everyone
    text = " ".join(" ".join(page.text).split())
    assert "0 is the rule idle (" in text
    assert "100 is the perfect-foresight optimum of the same episodes" in text
    assert "produced kWh, mean" in text
    assert "certificate holds in 6 of 6 draws" in text
    assert "2 episodes of 2 days with 3 draws each from the test part of the year" in text
    assert "seeds 0, 1, 2, starting 29 Aug, 31 Aug." in text
    assert "cost EUR an episode" in text
    assert "Data set drawn." in text


def test_it_says_nothing_of_another_track(page):
    text = " ".join(page.text)
    for word in (
        "no-trade",
        "dispatch",
        "supervisor",
        "prosumer",
        "member",
        "Why it loses",
        "Sources",
    ):
        assert word not in text, word


def test_money_counts_what_nobody_pays(result):
    for row, own in zip(result.rows, money.entries_eur(result), strict=True):
        assert len(own) == 3
        assert own.sum() == pytest.approx(row.social_cost_eur.mean())
    assert np.any(money.entries_eur(result)[:, -1] > 0.0)


def test_tracks_are_not_summed_up(result, tmp_path):
    alike = parse(write([result, result], tmp_path, "Two"))
    assert "All scenarios" in " ".join(alike.text)
    spec = result.scenario.spec.model_copy(update={"track": "community"})
    other = replace(result, scenario=replace(result.scenario, spec=spec))
    page = importlib.import_module("report.page")
    assert page._overall([result, other]) is None
