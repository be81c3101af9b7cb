"""The picture of a line's voltage: there where a scenario has one, with its figures in words."""

import importlib

import pytest

from p2p_market.evaluation.benchmark import evaluate
from tests.community.voltage.lines import RUN, line

for needed in ("cvxpy", "highspy"):
    pytest.importorskip(needed)
pytest.importorskip("matplotlib")
voltage_pictures = importlib.import_module("report.community.voltage").voltage_pictures
telling_week = importlib.import_module("report.community.week").telling_week

pytestmark = RUN


def test_a_line_with_a_band_is_drawn_and_told():
    result = evaluate(line("binding"), ["truthful", "random"], weeks=[1])
    (picture,) = voltage_pictures(telling_week(result))
    assert "dashed the band 0.995 to 1.012 pu" in picture.caption
    assert "pulled back towards rest" in picture.caption
    assert "kWh an episode pulled back" in picture.caption
    assert picture.source.startswith("data:image/svg+xml")


def test_without_a_voltage_nothing_is_drawn():
    result = evaluate(line("none"), ["truthful"], weeks=[1])
    assert voltage_pictures(telling_week(result)) == []
