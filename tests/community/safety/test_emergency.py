"""Outages: emergency dispatch by hand, and what an outage means for trade, bills and bounds."""

from collections import namedtuple

import numpy as np
import pytest

from p2p_market.assets.node import Limits
from p2p_market.community import engine, metrics
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.records import Action
from p2p_market.community.safety.emergency import serve_kernel
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.market.book import Fills
from p2p_market.registry import load_scenario, parse

Losses, Grid = namedtuple("Losses", ["loss_share"]), namedtuple("Grid", ["grid"])


def served(net, setpoint, fill, low=(-5.0,), arrives=0.9, grid=0.0):
    """Set-points, then curtailed PV, shed load and net load of one member."""
    setpoint = np.array([[setpoint]], float)
    low = np.broadcast_to(np.array(low), setpoint.shape)
    curtailed, shed = np.zeros((2, 1, 1))
    net, nothing = np.array([[net]], float), np.zeros((1, 1))
    fills = Fills.Arrays(np.array([[fill]], float), nothing, nothing[0])
    action = Action.Arrays(setpoint, curtailed, shed, net, nothing, nothing)
    serve_kernel(Losses(1.0 - arrives), Grid(np.array([grid])), fills, Limits(low, low), action)
    return [*setpoint[0, 0].tolist(), curtailed[0, 0], shed[0, 0], net[0, 0]]


@pytest.mark.parametrize(
    ("net", "setpoint", "fill", "expected"),
    [
        (3.0, [0.0], 3.0, [0.0, 0.0, 0.0, 3.0]),  # the market served it
        (3.0, [2.0], 1.0, [0.0, 0.0, 0.0, 1.0]),  # charging is cancelled
        (3.0, [1.0], 0.0, [-2.0, 0.0, 0.0, 0.0]),  # then storage discharges
        (9.0, [1.0], 0.0, [-5.0, 0.0, 3.0, 0.0]),  # then load is shed
        (-4.0, [-1.0], 0.0, [0.0, 3.0, 0.0, 0.0]),  # discharging stops, then PV is curtailed
        (-4.0, [0.0], -1.8, [0.0, 2.0, 0.0, -2.0]),  # 2 kW leave, 1.8 kW arrive
    ],
)
def test_emergency_dispatch(net, setpoint, fill, expected):
    assert served(net, setpoint, fill) == pytest.approx(expected)


def test_with_the_grid_nothing_changes():
    assert served(9.0, [1.0], 0.0, grid=1.0) == [1.0, 0.0, 0.0, 9.0]


def test_two_assets_in_order():
    assert served(6.0, [1.0, 2.0], 0.0, low=(-2.0, -3.0)) == pytest.approx(
        [-2.0, -1.0, 0.0, 0.0, 0.0]
    )


@pytest.fixture(scope="module")
def blackout():
    scenario = load_scenario("outage-v0")
    return scenario, draw(scenario, choose_key(scenario, 0, "test", 5))


def test_windows_are_as_many_and_as_long_as_the_scenario_says(blackout):
    scenario, _ = blackout
    assert scenario.spec.outages is not None
    shortest, longest = scenario.spec.outages.hours
    for seed in range(20):
        grid = draw(scenario, choose_key(scenario, seed, "train", seed % 13)).grid[:, 0]
        edges = np.flatnonzero(np.diff(np.concatenate([[1.0], grid, [1.0]])))
        lengths = np.diff(edges)[::2] * scenario.dt_h
        assert 1 <= len(lengths) <= scenario.spec.outages.windows
        assert lengths.min() >= shortest
        assert lengths.max() <= longest or len(lengths) < scenario.spec.outages.windows


def test_no_grid_no_exchange_and_prices_of_an_island(blackout):
    scenario, episode = blackout
    out = episode.grid[:, 0] == 0.0
    fee = scenario.network_fee_eur_per_kwh
    assert episode.ask_floor_eur_per_kwh[out, 0] == pytest.approx(np.tile(fee, (out.sum(), 1)))
    assert episode.bid_cap_eur_per_kwh[out, 0] == pytest.approx(
        np.tile(scenario.spec.lost_load_eur_per_kwh - fee, (out.sum(), 1))
    )
    played = rollout(scenario, episode, load_policy("truthful", scenario))
    assert not played.series["import_kw"][out].any()
    assert not played.series["export_kw"][out].any()
    assert played.series["fill_kw"][out].any()
    assert played.series["shed_kw"][out].any()
    assert not played.series["shed_kw"][~out].any()
    assert not played.series["curtailed_kw"][~out].any()


def test_lost_load_is_paid_for(blackout):
    scenario, episode = blackout
    played = rollout(scenario, episode, load_policy("no-trade", scenario))
    shed_kwh = metrics.lost_load_kwh(scenario, episode, played)[0]
    paid = played.entries_eur[..., engine.settlement.LEDGER_COLUMN["lost_load"]].sum()
    assert shed_kwh > 1.0
    assert paid == pytest.approx(scenario.spec.lost_load_eur_per_kwh * shed_kwh)


def test_what_leaves_a_seller_and_does_not_arrive_is_lost(blackout):
    scenario, episode = blackout
    share, generator = scenario.spec.fees.loss_share, np.random.default_rng(3)
    state, table, lost = engine.start(scenario, episode), action_map(scenario), 0.0
    for t in range(scenario.steps):
        wanted = table.physical(generator.uniform(-1.0, 1.0, (1, len(scenario.agents), 3)))
        proposal = to_proposal(wanted, np.ones((1, len(scenario.agents)), bool))
        state, outcome = engine.step(scenario, episode, state, proposal)
        sold = np.maximum(-outcome.fills.power_kw, 0.0)
        due = sold * share / (1.0 - share) * (1.0 - episode.grid[t, 0])
        assert outcome.flows.line_loss_kw == pytest.approx(due, abs=1e-9)
        lost += due.sum()
    assert lost > 0.0


def test_agents_see_the_grid_go_and_not_before(blackout):
    scenario, episode = blackout
    from p2p_market.community.observation import features, observe

    assert features(scenario)[-1].name == "grid"
    state = engine.start(scenario, episode)
    assert observe(scenario, episode, state)[0, :, -1].tolist() == [1.0] * len(scenario.agents)
    first = int(np.flatnonzero(episode.grid[:, 0] == 0.0)[0])
    from dataclasses import replace

    with_none = replace(episode, grid=np.ones_like(episode.grid))
    before = replace(state, step=first - 1)
    np.testing.assert_array_equal(
        observe(scenario, episode, before), observe(scenario, with_none, before)
    )
    at = observe(scenario, episode, replace(state, step=first))
    assert not at[0, :, -1].any()


def test_the_shortest_window_comes_first():
    text = """
    extends: outage-v0
    id: mine-v0
    outages: {windows: 2, hours: [4.0, 1.0]}
    """
    with pytest.raises(ScenarioError, match="the shortest comes first"):
        parse(text)


def test_line_losses_are_part_of_the_fee():
    spec = load_scenario("outage-v0").spec
    dearer = spec.fees.model_copy(update={"loss_price_eur_per_kwh": 0.25})
    rise = (
        build(spec.model_copy(update={"fees": dearer})).network_fee_eur_per_kwh
        - build(spec).network_fee_eur_per_kwh
    )
    assert rise == pytest.approx(0.05 * (0.25 - 0.05) / 2.0, abs=0.0011)  # to a tick
