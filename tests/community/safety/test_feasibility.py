"""The feasibility filter: feasible, idle on what is feasible, and never further off than needed."""

from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from p2p_market.community import engine
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.records import Action, Proposal, State
from p2p_market.community.safety.feasibility import project
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY, STORES

IDS = COMMUNITY
SMALL = 1e-9  # kW, kWh: rounding
NUDGE = 1e-4  # kW: a step towards what was asked that must not be possible


def _with_second_battery(scenario_id: str) -> Scenario:
    """Every owner has another battery, leaky and slow, so that set-points share a connection."""
    spec = load_scenario(scenario_id).spec
    second = {"kind": "battery", "capacity_kwh": 3.0, "power_kw": 7.0, "leak_per_h": 0.01}
    members = [
        member.model_copy(update={"assets": (*member.assets, second)})
        if any(device["kind"] == "battery" for device in member.assets)
        else member
        for member in spec.members
    ]
    return build(spec.model_copy(update={"days": 1, "members": tuple(members)}))


@cache
def case(name: str) -> tuple[Scenario, Episode]:
    """A day of a shipped scenario; `+2` with two batteries, `/5` with a fifth of the connection.

    `draw` refuses connections that load and PV alone overload, so the limit shrinks afterwards.
    """
    scenario_id = name.removesuffix("/5").removesuffix("+2")
    scenario = build(load_scenario(scenario_id).spec.model_copy(update={"days": 1}))
    if "+2" in name:
        scenario = _with_second_battery(scenario_id)
    episode = draw(scenario, choose_key(scenario, 11, "test", 4))
    if name.endswith("/5"):
        peak = np.abs(episode.load_kw - episode.pv_kw).max()
        spec = scenario.spec.model_copy(update={"connection_limit_kw": float(peak) / 5.0})
        scenario = replace(scenario, spec=spec)
    return scenario, episode


# A connection that shrinks after the draw breaks what a vehicle's tube was built on.
CASES = [
    *STORES,
    *(f"{name}/5" for name in STORES if not (load_scenario(name).nodes.target_kwh > 0.0).any()),
    "community-16-v0+2",
    "community-16-v0+2/5",
]


@dataclass(frozen=True)
class Situation:
    name: str  # of the case; printing scenario and episode would fill the screen
    state: State
    proposal: Proposal

    @property
    def scenario(self) -> Scenario:
        return case(self.name)[0]

    @property
    def episode(self) -> Episode:
        return case(self.name)[1]


def numbers(largest: float) -> st.SearchStrategy[float]:
    """Ordinary, extreme and tiny finite numbers."""
    return st.one_of(
        st.floats(-largest, largest),
        st.sampled_from([0.0, -0.0, largest, -largest, 1e-12, 1e9, -1e9, 1e300, -1e300]),
    )


def state_at(scenario: Scenario, episode: Episode, step: int, share: FloatArray) -> State:
    """A state with storage filled to these shares of the viability tube, (1, agent, asset)."""
    nodes, now = scenario.nodes, episode.presence(step)
    reach = nodes.charge_gain_h * nodes.power_max_kw * now.plugged
    lowest = np.maximum(now.floor_kwh - reach, nodes.energy_min_kwh)
    energy = np.minimum(lowest + share * (nodes.energy_max_kwh - lowest), nodes.energy_max_kwh)
    return engine.state_at(scenario, episode, step, energy)


@st.composite
def situations(data: st.DrawFn, names: list[str] = CASES) -> Situation:
    name = data(st.sampled_from(names))
    scenario, episode = case(name)
    agents, assets = scenario.nodes.present.shape
    level = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 1.0]))
    share = data(hnp.arrays(float, (1, agents, assets), elements=level, fill=st.nothing()))
    state = state_at(scenario, episode, data(st.integers(0, scenario.steps - 1)), share)
    power = numbers(2.0 * scenario.spec.connection_limit_kw)
    price = numbers(1.5 * scenario.spec.price_max_eur_per_kwh)
    proposal = Proposal(
        setpoint_kw=data(hnp.arrays(float, (1, agents, assets), elements=power, fill=st.nothing())),
        quantity_kw=data(hnp.arrays(float, (1, agents), elements=power, fill=st.nothing())),
        price_eur_per_kwh=data(hnp.arrays(float, (1, agents), elements=price, fill=st.nothing())),
        present=np.ones((1, agents), dtype=bool),
    )
    return Situation(name, state, proposal)


def filtered(now: Situation) -> Action:
    return project(now.scenario, now.episode, now.state, now.proposal)


def only_storage(setpoint: FloatArray) -> Proposal:
    """Set-points without an order."""
    shape = setpoint.shape[:2]
    return Proposal(setpoint, np.zeros(shape), np.zeros(shape), np.ones(shape, dtype=bool))


def as_proposal(action: Action) -> Proposal:
    present = np.ones(action.quantity_kw.shape, dtype=bool)
    return Proposal(action.setpoint_kw, action.quantity_kw, action.price_eur_per_kwh, present)


def assert_same_bits(action: Action, other: Action) -> None:
    for column in fields(Action):
        ours, theirs = getattr(action, column.name), getattr(other, column.name)
        np.testing.assert_array_equal(ours, theirs, err_msg=column.name)


def next_energy(now: Situation, setpoint: FloatArray) -> FloatArray:
    """The power-node equation once more."""
    nodes = now.scenario.nodes
    gained = nodes.charge_gain_h * np.maximum(setpoint, 0.0)
    taken = nodes.discharge_gain_h * np.maximum(-setpoint, 0.0)
    return nodes.retention * now.state.energy_kwh + gained - taken


def device_violation(now: Situation, setpoint: FloatArray) -> FloatArray:
    """How far a set-point is outside power and energy limits, (1, agent, asset) [kW, kWh]."""
    nodes, energy = now.scenario.nodes, next_energy(now, setpoint)
    presence = now.episode.presence(now.state.step)
    return np.max(
        [
            presence.plugged * nodes.power_min_kw - setpoint,
            setpoint - presence.plugged * nodes.power_max_kw,
            presence.floor_kwh - energy,
            energy - nodes.energy_max_kwh,
        ],
        axis=0,
    )


def demand_and_supply(now: Situation) -> tuple[FloatArray, FloatArray]:
    t = now.state.step
    return now.episode.load_kw[t], now.episode.pv_kw[t]


def floor_and_cap(now: Situation) -> tuple[FloatArray, FloatArray]:
    t = now.state.step
    return now.episode.ask_floor_eur_per_kwh[t], now.episode.bid_cap_eur_per_kwh[t]


@given(now=situations())
def test_the_result_is_feasible(now):
    action, limit = filtered(now), now.scenario.spec.connection_limit_kw
    (load, pv), (floor, cap) = demand_and_supply(now), floor_and_cap(now)
    assert device_violation(now, action.setpoint_kw).max() <= SMALL
    assert np.all((action.curtailed_kw >= 0.0) & (action.curtailed_kw <= pv + SMALL))
    assert np.all((action.shed_kw >= 0.0) & (action.shed_kw <= load + SMALL))
    served, used = load - action.shed_kw, pv - action.curtailed_kw
    net_load = served - used + action.setpoint_kw.sum(axis=-1)
    np.testing.assert_allclose(action.net_load_kw, net_load, atol=SMALL, rtol=0.0)
    assert np.abs(action.net_load_kw).max() <= limit
    quantity, price = action.quantity_kw, action.price_eur_per_kwh
    assert np.all(quantity * action.net_load_kw >= 0.0)
    assert np.all(np.abs(quantity) <= np.abs(action.net_load_kw))
    assert np.isfinite(price).all()
    np.testing.assert_array_equal(price, to_ticks(price, now.scenario.spec.tick_eur_per_kwh))
    assert np.all(price[quantity > 0.0] <= cap[quantity > 0.0])
    assert np.all(price[quantity < 0.0] >= floor[quantity < 0.0])
    assert not quantity[floor >= cap].any()


@given(now=situations())
def test_twice_changes_nothing(now):
    once = filtered(now)
    assert_same_bits(once, filtered(replace(now, proposal=as_proposal(once))))


@pytest.mark.parametrize("name", [name for name in CASES if "+2" in name])
def test_twice_changes_nothing_where_storages_share_a_connection(name):
    scenario, episode = case(name)
    shape, limit = (1, *scenario.nodes.present.shape), scenario.spec.connection_limit_kw
    generator = np.random.default_rng(2)
    for step in range(scenario.steps):
        state = state_at(scenario, episode, step, generator.random(shape))
        wish = only_storage(generator.uniform(-2.0 * limit, 2.0 * limit, shape))
        now = Situation(name, state, wish)
        once = filtered(now)
        assert_same_bits(once, filtered(replace(now, proposal=as_proposal(once))))


@given(now=situations(), data=st.data())
def test_a_feasible_action_is_unchanged(now, data):
    """Set-points well inside limits, part of the own net load, a price between floor and cap."""
    agents, assets = now.scenario.nodes.present.shape
    share = data.draw(hnp.arrays(float, (1, agents, assets), elements=st.floats(-0.9, 0.9)))
    nodes, energy = now.scenario.nodes, now.scenario.nodes.retention * now.state.energy_kwh
    room = (nodes.energy_max_kwh - energy) / np.where(nodes.present, nodes.charge_gain_h, 1.0)
    content = (energy - nodes.energy_min_kwh) / np.where(nodes.present, nodes.discharge_gain_h, 1.0)
    charge = np.minimum(nodes.power_max_kw, np.maximum(room, 0.0))
    discharge = np.minimum(-nodes.power_min_kw, np.maximum(content, 0.0))
    setpoint = np.where(share > 0.0, share * charge, share * discharge)
    load, pv = demand_and_supply(now)
    net_load = load - pv + setpoint.sum(axis=-1)
    part = data.draw(hnp.arrays(float, (1, agents), elements=st.floats(0.0, 0.99)))
    floor, cap = floor_and_cap(now)
    lean = data.draw(hnp.arrays(float, (1, agents), elements=st.floats(0.0, 1.0)))
    wanted = np.minimum(floor + lean * (cap - floor), now.scenario.spec.price_max_eur_per_kwh)
    price = to_ticks(wanted, now.scenario.spec.tick_eur_per_kwh)
    arrives = 1.0 - now.scenario.spec.fees.loss_share
    quantity = np.where(floor < cap, arrives * part * net_load, 0.0)
    inside = np.abs(net_load) <= 0.999 * now.scenario.spec.connection_limit_kw
    inside &= (device_violation(now, setpoint) <= 0.0).all(axis=-1)  # a tube may want more
    if now.scenario.spec.feeder.mode == "binding":  # one for all
        carried = np.abs(net_load.sum()) <= 0.999 * now.scenario.spec.feeder.limit_kw
        inside &= carried and bool(inside.all())
    asked = Proposal(setpoint, quantity, price, np.ones((1, agents), dtype=bool))
    action = filtered(replace(now, proposal=asked))
    np.testing.assert_array_equal(action.setpoint_kw[inside], setpoint[inside])
    np.testing.assert_array_equal(action.quantity_kw[inside], quantity[inside])
    np.testing.assert_array_equal(action.price_eur_per_kwh[inside], price[inside])
    assert not action.curtailed_kw[inside].any()
    assert not action.shed_kw[inside].any()


@given(now=situations())
def test_no_setpoint_could_be_nearer(now):
    """Whatever was moved stands at a limit: one step back towards the wish breaks something."""
    action = filtered(now)
    wish = now.proposal.setpoint_kw
    moved = np.abs(wish - action.setpoint_kw) > 2.0 * NUDGE
    load, pv = demand_and_supply(now)
    for place in np.argwhere(moved & now.scenario.nodes.present):
        nearer = action.setpoint_kw.copy()
        nearer[*place] += NUDGE * np.sign(wish[*place] - nearer[*place])
        net_load = (load - pv + nearer.sum(axis=-1))[*place[:-1]]
        device = device_violation(now, nearer)[*place]
        connection = abs(net_load) - now.scenario.spec.connection_limit_kw
        feeder = abs((load - pv + nearer.sum(axis=-1)).sum()) - now.scenario.spec.feeder.limit_kw
        if now.scenario.spec.feeder.mode != "binding":
            feeder = -np.inf
        assert max(device, connection, feeder) > SMALL, place


@given(now=situations())
def test_no_quantity_could_be_nearer(now):
    action, wish = filtered(now), now.proposal.quantity_kw
    floor, cap = floor_and_cap(now)
    net, grid = action.net_load_kw, now.episode.grid[now.state.step][:, None]
    arrives = 1.0 - now.scenario.spec.fees.loss_share * (1.0 - grid)
    tradable = np.where(net < 0.0, net * arrives, net)  # what is lost on the line is not sold
    low = np.where(floor < cap, np.minimum(tradable, 0.0), 0.0)
    high = np.where(floor < cap, np.maximum(tradable, 0.0), 0.0)
    np.testing.assert_array_equal(action.quantity_kw, np.clip(wish, low, high))


@given(now=situations())
def test_no_price_could_be_nearer(now):
    """The nearest tick of the range that actions can express, then no worse than the grid."""
    action, spec = filtered(now), now.scenario.spec
    wish = np.clip(now.proposal.price_eur_per_kwh, 0.0, spec.price_max_eur_per_kwh)
    floor, cap = floor_and_cap(now)
    buys, sells = action.quantity_kw > 0.0, action.quantity_kw < 0.0
    price = action.price_eur_per_kwh
    clipped = (buys & (wish > cap)) | (sells & (wish < floor))
    at_limit = np.where(buys, cap, floor)
    np.testing.assert_array_equal(price[clipped], at_limit[clipped])
    away = np.abs(price - wish)
    assert np.all(away[~clipped] <= spec.tick_eur_per_kwh / 2.0 + 1e-12)


@given(now=situations([name for name in CASES if name.endswith("/5")]))
def test_pv_and_load_go_last(now):
    """Curtailment only when all storage charges as it can, shedding only when all discharges."""
    action = filtered(now)
    for cut, sign in ((action.curtailed_kw, 1.0), (action.shed_kw, -1.0)):
        for place in np.argwhere(cut > SMALL):
            for asset in np.flatnonzero(now.scenario.nodes.present[place[1]]):
                more = action.setpoint_kw.copy()
                more[*place, asset] += sign * NUDGE
                assert device_violation(now, more)[*place, asset] > SMALL
        at_limit = np.abs(action.net_load_kw) == now.scenario.spec.connection_limit_kw
        assert np.all(at_limit[cut > 0.0])


def test_the_small_connection_does_curtail_and_shed():
    """The test above has something to see."""
    cut = np.zeros(2)
    for name in CASES:
        if name.endswith("/5"):
            scenario, episode = case(name)
            state = engine.start(scenario, episode)
            idle = only_storage(np.zeros(state.energy_kwh.shape))
            for step in range(scenario.steps):
                action = project(scenario, episode, replace(state, step=step), idle)
                cut += [action.curtailed_kw.max(), action.shed_kw.max()]
    assert np.all(cut > 1.0)


@pytest.mark.parametrize("name", [name for name in CASES if name.endswith("/5")])
def test_storage_alone_moves_where_it_suffices(name):
    """Storage is asked for all it has; where load and PV alone fit, neither is cut by a hair."""
    scenario, episode = case(name)
    limit = scenario.spec.connection_limit_kw
    share = np.full((1, *scenario.nodes.present.shape), 0.5)
    for step in range(scenario.steps):
        state = state_at(scenario, episode, step, share)
        base = episode.load_kw[step] - episode.pv_kw[step]
        for side in (1e9, -1e9):
            wish = only_storage(np.full(share.shape, side))
            action = project(scenario, episode, state, wish)
            easy = np.abs(base) <= limit
            assert not action.curtailed_kw[easy].any()
            assert not action.shed_kw[easy].any()


@pytest.mark.parametrize(
    ("level_kwh", "asked_kw", "given_kw"),
    [
        (40.0, 50.0, 10.0),
        (10.0, -50.0, -10.0),
        (10.0, 50.0, 25.0),
        (50.0, 50.0, 0.0),
        (0.0, -1.0, 0.0),
    ],
)
def test_known_value_of_the_textbook_battery(level_kwh, asked_kw, given_kw):
    """50 kW asked of a battery with 10 kWh and 25 kW, hourly and lossless, gives 10 kW."""
    scenario, episode = case("classic-v0")
    state = state_at(scenario, episode, 3, np.full((1, 6, 1), level_kwh / 50.0))
    action = project(scenario, episode, state, only_storage(np.full((1, 6, 1), asked_kw)))
    assert action.setpoint_kw[0, scenario.has_storage] == pytest.approx(given_kw, abs=1e-12)
    assert not action.setpoint_kw[0, ~scenario.has_storage].any()


@pytest.mark.parametrize("scenario_id", IDS)
def test_prices_of_an_episode_lie_on_ticks(scenario_id):
    """Equal ticks are equal floats, so that a clipped price is a price on a tick."""
    scenario, episode = case(scenario_id)
    on_ticks = {
        "retail": episode.retail_eur_per_kwh,
        "floor": episode.ask_floor_eur_per_kwh,
        "cap": episode.bid_cap_eur_per_kwh,
        "carbon": episode.carbon_eur_per_kwh,
        "feed-in": scenario.feed_in_eur_per_kwh,
        "fee": scenario.network_fee_eur_per_kwh,
    }
    for name, price in on_ticks.items():
        exact = price.astype(np.float64)
        on_tick = to_ticks(exact, scenario.spec.tick_eur_per_kwh)
        np.testing.assert_array_equal(exact, on_tick, err_msg=name)


@pytest.mark.parametrize("price", [1e308, -1e308, 1.7e308])
def test_no_finite_price_becomes_infinite(price):
    scenario, episode = case("classic-v0")
    state = engine.start(scenario, episode)
    for quantity in (100.0, -100.0, 0.0):
        wish = Proposal(
            np.zeros((1, 6, 1)), *np.array([[[quantity] * 6], [[price] * 6]]), np.ones((1, 6), bool)
        )
        action = project(scenario, episode, state, wish)
        assert np.isfinite(action.price_eur_per_kwh).all(), quantity
