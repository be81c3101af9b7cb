"""Voltage in the step: both forms alike, the filter's laws, what is paid and what is seen."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.fused.boards import PureBoard, board
from p2p_market.community.observation import features, observe
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.safety import feasibility
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.community.scenario.voltage import lines_of
from p2p_market.grid.feeder import charges, squared_voltages
from p2p_market.grid.loading import loadings
from tests.community.voltage.lines import RUN, VOLTAGES, line, values

pytestmark = RUN


def started(name, week=5):
    scenario = line(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", week))
    return scenario, episode, engine.start(scenario, episode)


def wishes(scenario, episode, seed=0):
    """Random joint actions, half of them all the way in one direction."""
    generator = np.random.default_rng(seed)
    shape = (episode.batch, len(scenario.agents), action_map(scenario).width)
    for step in range(scenario.steps):
        wild = generator.uniform(-1.0, 1.0, shape)
        yield np.full(shape, generator.choice([-1.0, 1.0])) if step % 2 else wild


def asked(scenario, wish):
    everyone = np.ones(wish.shape[:2], dtype=np.bool_)
    table = action_map(scenario)
    return to_proposal(table.physical(wish), everyone, table.further)


@pytest.mark.parametrize("name", VOLTAGES)
def test_filtering_twice_is_once_and_who_binds_is_inside(name):
    scenario, episode, state = started(name)
    flow, pulled = lines_of(scenario).flow, 0
    for wish in wishes(scenario, episode):
        once = feasibility.project(scenario, episode, state, asked(scenario, wish))
        again = replace(
            asked(scenario, wish), setpoint_kw=once.setpoint_kw, quantity_kw=once.quantity_kw,
            price_eur_per_kwh=once.price_eur_per_kwh,
            further=once.reactive_kvar[..., None] if name.startswith("agent") else None,
        )  # fmt: skip
        twice = feasibility.project(scenario, episode, state, again)
        for one, other in (
            (once.setpoint_kw, twice.setpoint_kw),
            (once.net_load_kw, twice.net_load_kw),
            (once.reactive_kvar, twice.reactive_kvar),
        ):
            np.testing.assert_array_equal(one, other)
        assert not twice.pulled_kw.any()
        if "priced" not in name:
            w = squared_voltages(flow, once.net_load_kw, once.reactive_kvar)
            assert w.min() >= flow.lowest_pu2 - 1e-12
            assert w.max() <= flow.highest_pu2 + 1e-12
            pulled += once.pulled_kw.any()
        state, _ = engine.step(scenario, episode, state, asked(scenario, wish))
    assert (pulled > 5) == ("priced" not in name)


@pytest.mark.parametrize("name", VOLTAGES)
def test_what_is_paid_and_seen_is_what_the_equations_say(name):
    scenario, episode, state = started(name)
    bare, _, before = started("none")
    lines, names, paid = lines_of(scenario), [f.name for f in features(scenario)], 0.0
    price = scenario.spec.voltage.eur_per_pu_h * scenario.dt_h
    assert names[-4:] == ["voltage", "voltage_low", "voltage_high", "line_loading"]
    for wish in wishes(scenario, episode):
        proposal = asked(scenario, wish)
        state, done = engine.step(scenario, episode, state, proposal)
        net, kvar = done.action.net_load_kw, done.action.reactive_kvar
        volts = np.sqrt(squared_voltages(lines.flow, net, kvar))
        seen = observe(scenario, episode, state)
        own = seen[0, :, -4:]
        np.testing.assert_allclose(own[:, 0], volts[0], rtol=1e-6)
        np.testing.assert_allclose(own[:, 1], volts.min(), rtol=1e-6)
        np.testing.assert_allclose(own[:, 2], volts.max(), rtol=1e-6)
        np.testing.assert_allclose(own[:, 3], loadings(lines.cables, net)[1][0], rtol=1e-6)
        for value, feature in zip(seen.reshape(-1, len(names)).T, features(scenario), strict=True):
            assert feature.low - 1e-6 <= value.min()
            assert value.max() <= feature.high + 1e-6
        own_eur = charges(lines.flow, price, net, kvar)
        if "priced" in name:  # nothing is pulled, so the same is played without a voltage
            before, other = engine.step(bare, episode, before, replace(proposal, further=None))
            extra = done.ledger.entries_eur - other.ledger.entries_eur
            np.testing.assert_allclose(extra[..., LEDGER_COLUMN["overload"]], own_eur, atol=1e-12)
            paid += own_eur.sum()
    assert (paid > 0.0) == ("priced" in name)


@pytest.mark.parametrize(
    ("net_kw", "reactive", "pu"),
    [(10.0, "none", 0.992678), (-30.0, "none", 1.021651), (-30.0, "cos_phi", 1.018908)],
)
def test_known_voltages_are_seen(net_kw, reactive, pu):
    """Of one home at the last node, 95; its roof of 30 kW absorbs 9.86 kvar by the rule."""
    roof = {"kind": "pv", "peak_kw": 30 / 0.86, "tilt_deg": 30, "azimuth_deg": 180}
    home = {
        "node": 63, "contract": "hourly",
        "assets": [{"kind": "load", "donor": "H0-A", "annual_kwh": 4000}, roof],
    }  # fmt: skip
    section = {"mode": "report", "reactive": reactive}
    scenario = build(validated(values(section, members=[home]), "line"))
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    load, sun = (np.full_like(episode.load_kw, max(sign * net_kw, 0.0)) for sign in (1.0, -1.0))
    episode = replace(episode, load_kw=load, pv_kw=sun)
    state = engine.start(scenario, episode)
    silence = np.zeros((1, 1, action_map(scenario).width))
    state, _ = engine.step(scenario, episode, state, asked(scenario, silence))
    place = [one.name for one in features(scenario)].index("voltage")
    assert observe(scenario, episode, state)[0, 0, place] == pytest.approx(pu, abs=1e-6)


@pytest.mark.compiled
@pytest.mark.parametrize("name", VOLTAGES)
def test_the_compiled_step_gives_the_same_bits(name):
    scenario, episode, state = started(name)
    boards = PureBoard(scenario, episode, state, True), board(scenario, episode, state, True)
    shape = episode.batch, len(scenario.agents)
    everyone = np.ones(shape, dtype=np.bool_)
    reward = np.zeros((2, *shape))
    seen = np.zeros((2, *shape, len(features(scenario))), dtype=np.float32)
    for wish in wishes(scenario, episode, seed=3):
        for one, paid, shown in zip(boards, reward, seen, strict=True):
            one.play(wish, everyone, paid, shown)
        np.testing.assert_array_equal(reward[0], reward[1])
        np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(boards[0].state().line, boards[1].state().line)
    done = [one.outcome() for one in boards]
    np.testing.assert_array_equal(done[0].action.pulled_kw, done[1].action.pulled_kw)


def test_without_a_voltage_nothing_is_told():
    scenario, episode, state = started("none")
    assert state.line is None
    assert "voltage" not in {feature.name for feature in features(scenario)}
    after, done = engine.step(
        scenario, episode, state, asked(scenario, next(wishes(scenario, episode)))
    )
    assert after.line is done.flows.line is done.action.reactive_kvar is None
    assert "voltage" not in scenario.spec.model_dump(mode="json")
