"""Six views of a power system: what they draw is what was played."""

import json

import numpy as np
import pytest

pytest.importorskip("plotly", reason="needs the extra report")

from p2p_market.wholesale.messages import messages
from p2p_market.wholesale.simulation import simulate
from report.wholesale import grid, market, network, system
from report.wholesale.view import View
from report.wholesale.views import VIEWS

STEP = 20


@pytest.fixture(scope="module")
def view():
    played = simulate("wholesale-12-v0", hours=3)
    return View(played.scenario, played.episode, played.played)


def trace(figure, name):
    """The only trace of a name."""
    (found,) = (one for one in figure.data if one.name == name)
    return found


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_draws_every_step(name, view):
    """Also the first and the last one; what a browser is sent is JSON without NaN in it."""
    for step in (0, STEP, view.steps - 1):
        figure = VIEWS[name].figure(view, step)
        assert figure.data
        json.loads(figure.to_json())
    titles = [axis.title.text for axis in figure.select_yaxes() if axis.visible is not False]
    assert all(titles), "an axis without a unit"


def test_frequency_and_voltage_are_those_of_the_play(view):
    figure = grid.figure(view, STEP)
    deviation = view.of("deviation_hz")
    np.testing.assert_array_equal(trace(figure, "lowest").y, 50.0 - deviation[:, 0])
    np.testing.assert_array_equal(trace(figure, "voltage").y, view.of("voltage_pu")[STEP])
    balance = trace(figure, "balance").y
    assert abs(sum(balance)) < 1e-6, "what goes into the net comes out of it"


def test_the_marginal_offer_sets_the_price(view):
    figure = market.figure(view, STEP)
    price = view.of("price_eur_per_mwh")
    assert trace(figure, "marginal offer").y[0] == price[STEP]
    np.testing.assert_array_equal(trace(figure, "clearing price").y, price)
    offers = trace(figure, "offers")
    assert list(offers.y) == sorted(offers.y)
    assert offers.x[-1] == pytest.approx(-view.of("order_mw")[STEP].clip(max=0.0).sum())


def test_the_stack_serves_load_and_charge(view):
    figure = system.figure(view, STEP)
    stacked = sum(one.y for one in figure.data if one.stackgroup)
    charge = view.of("power_mw").clip(min=0.0).sum(axis=1)
    np.testing.assert_allclose(stacked, trace(figure, "load").y + charge, atol=1e-6)


def test_edges_count_the_messages_of_the_step(view):
    figure = network.figure(view, STEP)
    told = messages(view.scenario, view.episode, view.played, STEP)
    edges = [one.text for one in figure.data if one.mode == "lines"]
    assert sum(int(text.rpartition(": ")[2]) for text in edges) == len(told)
    hour = network.said(view, STEP, 12)
    assert {one.step for one in hour} == set(range(STEP - 11, STEP + 1))
    assert len(network.said(view, 0, 12)) == len(
        messages(view.scenario, view.episode, view.played, 0)
    )


def test_earned_beyond_the_rule_is_zero_for_the_rule(view):
    beside = View(view.scenario, view.episode, view.played, rule=view.played)
    figure = VIEWS["Agent performance"].figure(beside, STEP)
    assert not trace(figure, "more").y.any()
