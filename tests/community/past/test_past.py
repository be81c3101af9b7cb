"""What members see of the past is what happened, and costs nothing where nobody looks."""

import numpy as np
import pytest
from numba import config

from p2p_market.community import engine, portfolio
from p2p_market.community.envs.env import box_of
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.fused import board
from p2p_market.community.fused.boards import PureBoard
from p2p_market.community.kernel_inputs import rules_of
from p2p_market.community.observation import features
from p2p_market.community.past.register import KINDS, nearest, registered
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.scenario.scenario import validated
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.registry import load_scenario
from tests.community.past.looking_back import bids, looking_back, play, played

# Compiled for these scenarios alone they take half a minute.
as_python = pytest.mark.skipif(not config.DISABLE_JIT, reason="played as plain Python, or slow")
EITHER = [pytest.param(None, marks=as_python), pytest.param(None, marks=pytest.mark.slow)]


def shown(name):
    """A feature after each step, (step, agent)."""
    scenario, _, seen, _ = played()
    return seen[:, 0, :, [one.name for one in features(scenario)].index(name)].astype(np.float64)


def trajectory():
    """Gains, private costs, orders and money by step, (step, agent)."""
    scenario, episode, _, rounds = played()
    entries = np.array([one.ledger.entries_eur[0] for one in rounds])
    net = np.array([one.action.net_load_kw[0] for one in rounds])
    paid = sum(entries[..., LEDGER_COLUMN[name]] for name in portfolio.PAID)
    retail, feed_in = episode.retail_eur_per_kwh[: len(net), 0], episode.feed_in_eur_per_kwh
    price = np.where(net > 0.0, retail, feed_in[: len(net), 0])
    gains = net * price * scenario.dt_h - paid
    money = np.abs(entries[..., LEDGER_COLUMN["p2p_payment"]])
    money = money + np.abs(entries[..., LEDGER_COLUMN["grid_import"]])
    money = money + np.abs(entries[..., LEDGER_COLUMN["grid_export"]])
    order = np.array([one.action.quantity_kw[0] for one in rounds])
    return gains, entries[..., :-1].sum(axis=-1), order, money


def last(series, steps):
    """Sums over the last steps of those so far, (step, agent)."""
    return np.array([series[max(0, n - steps) : n].sum(axis=0) for n in range(1, len(series) + 1)])


@as_python
def test_windows_are_sums_over_the_steps_that_were_played():
    gains, costs, order, money = trajectory()
    assert shown("profit_1h") == pytest.approx(last(gains, 2), abs=1e-5)
    assert shown("profit_24h") == pytest.approx(last(gains, 48), abs=1e-5)
    assert shown("profit_7d") == pytest.approx(np.cumsum(gains, axis=0), abs=1e-4)
    assert shown("cost_24h") == pytest.approx(last(costs, 48), rel=1e-5, abs=1e-5)
    ordered = np.abs(order) >= 1e-3
    count, won = last(ordered, 48), last(ordered & (gains > 0.0), 48)
    assert shown("success_24h") == pytest.approx(won / np.maximum(count, 1), abs=1e-6)
    assert (won > 0).any()
    moved = np.cumsum(money, axis=0)
    expected = np.cumsum(gains, axis=0) / np.maximum(moved, 1e-9) * (moved >= 1.0)
    assert shown("roi_7d") == pytest.approx(expected, abs=1e-5)


@as_python
def test_risk_is_that_of_the_gains_so_far():
    gains, _, _, _ = trajectory()
    for n in (1, 50, 96, 144):
        daily, hourly = portfolio.in_parts(gains[:n], 48), portfolio.in_parts(gains[:n], 2)
        assert shown("sharpe")[n - 1] == pytest.approx(portfolio.sharpe(daily), rel=1e-4)
        deepest = portfolio.max_drawdown_eur(gains[:n])
        assert shown("max_drawdown")[n - 1] == pytest.approx(deepest, abs=1e-5)
        assert shown("cvar_10")[n - 1] == pytest.approx(portfolio.cvar_eur(hourly), abs=1e-5)


@as_python
def test_metrics_tell_what_members_saw_at_the_end():
    scenario, episode, _, _ = played()
    asked = {"prosumer": bids(scenario, scenario.steps)}
    told = portfolio.in_metrics(scenario, episode, rollout(scenario, episode, recorded(asked)))
    for name, shown_as in (
        ("profit_eur", "profit_7d"), ("roi", "roi_7d"), ("sharpe", "sharpe"),
        ("max_drawdown_eur", "max_drawdown"), ("cvar_10_eur", "cvar_10"),
    ):  # fmt: skip
        assert told[f"portfolio_{name}"].item() == pytest.approx(
            shown(shown_as)[-1].mean(), rel=1e-5
        )


@as_python
def test_the_last_step_is_told():
    scenario, episode, _, rounds = played()
    net = np.array([one.action.net_load_kw[0] for one in rounds])
    made, used = shown("production"), shown("consumption")
    assert shown("net_load") == pytest.approx(net, abs=1e-5)
    assert used - made == pytest.approx(net, abs=1e-4)
    assert (made >= episode.pv_kw[:, 0] - 1e-5).all()
    order = np.array([one.action.quantity_kw[0] for one in rounds])
    size = np.abs(order).sum(axis=1)
    told = np.where(size > 0.0, order.sum(axis=1) / np.where(size > 0.0, size, 1.0), 0.0)
    assert shown("sentiment") == pytest.approx(np.tile(told[:, None], 12), abs=1e-6)
    assert scenario.agents


@as_python
def test_a_board_shows_the_four_nearest():
    scenario, episode, _, rounds = played()
    place = nearest(scenario)
    kind, rating = registered(scenario)
    assert place.shape == (12, 4)
    assert KINDS[int(kind[0])] == "pv"
    assert KINDS[int(kind[2])] == "battery"
    assert KINDS[int(kind[11])] == "load"
    assert rating[1] == pytest.approx(40.8)  # 30 kWp give 25.8 kW; a battery of 15 kW
    fill = np.array([one.fills.power_kw[0] for one in rounds])
    order = np.array([one.action.quantity_kw[0] for one in rounds])
    price = np.array([one.action.price_eur_per_kwh[0] for one in rounds])
    floor, cap = episode.ask_floor_eur_per_kwh[:, 0], episode.bid_cap_eur_per_kwh[:, 0]
    ordered = np.abs(order) >= 1e-3
    shade = np.where(ordered, (price - (floor + cap) / 2.0) / (cap - floor), 0.0).clip(-1.0, 1.0)
    mean = last(shade, 48) / np.maximum(last(ordered, 48), 1)
    for j in range(4):
        assert shown(f"board_kind_{j}")[7].tolist() == kind[place[:, j]].tolist()
        assert shown(f"board_capacity_{j}")[7] == pytest.approx(rating[place[:, j]], abs=1e-5)
        assert shown(f"board_fill_{j}") == pytest.approx(fill[:, place[:, j]], abs=1e-5)
        assert shown(f"board_shade_{j}") == pytest.approx(mean[:, place[:, j]], abs=1e-6)


def test_the_nearest_are_near_along_the_line():
    scenario = load_scenario("few-sellers-v0")
    feeder, place = scenario.data.feeder, nearest(scenario)
    own = feeder.load_node[[member.node for member in scenario.spec.members]]

    def up(node):
        path = [node]
        while path[-1] != 0:
            path.append(feeder.parent[path[-1]])
        return path

    def between_km(one, other):
        both = set(up(one)) ^ set(up(other))
        return sum(feeder.length_km[node] for node in both)

    for i, node in enumerate(own):
        far = [between_km(node, other) for other in own]
        rest = [far[j] for j in range(len(own)) if j != i and j not in place[i]]
        assert max(far[j] for j in place[i]) <= min(rest) + 1e-6


@as_python
def test_observations_lie_in_their_space():
    scenario, _, seen, _ = played()
    box = box_of(features(scenario))
    assert ((seen >= box.low) & (seen <= box.high)).all()


@as_python
def test_gains_of_all_are_what_the_grid_was_spared_less_the_fee():
    scenario, episode, _, rounds = played()
    gains, _, _, _ = trajectory()
    fee = np.array([one.ledger.entry("network_fee")[0] for one in rounds])
    fill = np.array([one.fills.power_kw[0] for one in rounds])
    worth = np.where(
        fill > 0.0, episode.retail_eur_per_kwh[: len(fill), 0],
        episode.feed_in_eur_per_kwh[: len(fill), 0],
    )  # fmt: skip
    spared = (fill * worth).sum(axis=1) * scenario.dt_h
    assert gains.sum(axis=1) == pytest.approx(spared - fee.sum(axis=1), abs=1e-9)
    assert (np.abs(fill) > 0.0).any()


@pytest.mark.parametrize("_", EITHER)
@pytest.mark.parametrize("observe", [("board",), ("portfolio",), ("board", "portfolio")])
def test_the_compiled_step_remembers_the_same(observe, _):
    scenario = looking_back(observe)
    episode = draw(scenario, choose_key(scenario, 1, "train"))
    state, asked = engine.start(scenario, episode), bids(scenario, 100, seed=1)
    both = [
        play(kind(scenario, episode, state, True), scenario, asked)[0]
        for kind in (PureBoard, board)
    ]
    assert np.array_equal(*both)


def test_who_does_not_look_back_has_no_past():
    scenario = load_scenario("few-sellers-v0")
    assert rules_of(scenario).past is None
    assert scenario.spec.model_dump().get("observe") is None
    assert "observe" in looking_back().spec.model_dump()


def test_what_is_unknown_or_twice_is_refused():
    spec = load_scenario("few-sellers-v0").spec.model_dump()
    for wrong in (["weather!"], ["board", "board"]):
        with pytest.raises(ScenarioError, match="observe"):
            validated(spec | {"observe": wrong}, "mine.yaml")
