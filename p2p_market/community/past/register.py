"""What is public of members, and which of them each member sees on its board.

The register says what stands at each place on the line: the kind of the largest device beside the
load, and what all of them can give or take. A board shows the four nearest by length of line.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.assets import ASSETS
from p2p_market.assets.node import PowerNode
from p2p_market.community.scenario.members import devices, sized
from p2p_market.community.scenario.record import Scenario
from p2p_market.grid.feeder import common_path
from p2p_market.records import FloatArray, IntArray
from p2p_market.track import Feature

NEIGHBOURS: Final = 4
KINDS: Final = tuple(ASSETS)
"""A kind's number on the board is its place here; members without a device are a `load`, 0."""
LEAST_ORDER_KW: Final = 1e-3
"""Less is no order."""


class Board(NamedTuple):
    """Whom a member sees, (agent, neighbour), the nearest first."""

    place: IntArray  # among the agents
    kind: FloatArray
    capacity_kw: FloatArray


class Portfolio(NamedTuple):
    """What a member's own figures need."""

    rating_kw: FloatArray  # (agent,)
    low: FloatArray  # (feature,), what is shown stays inside
    high: FloatArray


class Register(NamedTuple):
    """How the past is counted, and for whom."""

    hour_steps: int
    day_steps: int
    board: Any  # Board; None where it is not observed
    portfolio: Any  # Portfolio; None likewise


@lru_cache(maxsize=16)
def register(scenario: Scenario) -> Register | None:
    """The register of a scenario; None where nobody looks back."""
    seen = scenario.spec.observe
    if "board" not in seen and "portfolio" not in seen:
        return None
    kind, rating_kw = registered(scenario)
    steps = round(1.0 / scenario.dt_h)
    board = portfolio = None
    if "board" in seen:
        place = nearest(scenario)
        board = Board(place, kind[place], rating_kw[place])
    if "portfolio" in seen:
        table = portfolio_features(scenario)
        ends = np.array([(one.low, one.high) for one in table]).T
        portfolio = Portfolio(rating_kw, *map(np.ascontiguousarray, ends))
    return Register(steps, scenario.steps_per_day, board, portfolio)


def registered(scenario: Scenario) -> tuple[FloatArray, FloatArray]:
    """Number of the kind of each member's largest device, and the sum of its ratings [kW]."""
    spec = scenario.spec
    kind, rating_kw = np.zeros((2, len(spec.members)))
    for number, member in enumerate(spec.members):
        own = sized(spec, scenario.data, number, devices(spec, number))
        power = np.array([_rating_kw(node) for node in own])
        if power.any():
            kind[number] = KINDS.index(member.assets[int(power.argmax())]["kind"])
        rating_kw[number] = power.sum()
    return kind, rating_kw


def _rating_kw(node: PowerNode) -> float:
    """What a device can give or take, whichever is more; a load has none."""
    if node.driver == "demand":
        return 0.0
    if node.driver == "setpoint":
        return max(-node.power_min_kw, node.power_max_kw)
    return node.scale_kw


def nearest(scenario: Scenario) -> IntArray:
    """Places of the nearest other members, (agent, neighbour), by line length, then by place."""
    feeder = scenario.data.feeder
    own = feeder.load_node[[member.node for member in scenario.spec.members]]
    shared_km = common_path(feeder.parent, feeder.length_km)[np.ix_(own, own)]
    alone_km = feeder.distance_km[own]
    between_km = alone_km[:, None] + alone_km[None, :] - 2.0 * shared_km
    np.fill_diagonal(between_km, np.inf)
    count = min(NEIGHBOURS, len(own) - 1)
    order = np.argsort(np.round(between_km, 6), axis=1, kind="stable")  # to a millimetre
    return np.ascontiguousarray(order[:, :count])


def board_features(scenario: Scenario) -> list[Feature]:
    """Four numbers of each neighbour, and one of the whole market."""
    _, rating_kw = registered(scenario)
    limit, table = scenario.spec.connection_limit_kw, list[Feature]()
    for j in range(min(NEIGHBOURS, len(scenario.agents) - 1)):
        table += [
            Feature(f"board_kind_{j}", "1", 0.0, float(len(KINDS) - 1)),
            Feature(f"board_capacity_{j}", "kW", 0.0, max(1.0, float(rating_kw.max()))),
            Feature(f"board_fill_{j}", "kW", -limit, limit),
            Feature(f"board_shade_{j}", "1", -1.0, 1.0),
        ]
    return [*table, Feature("sentiment", "1", -1.0, 1.0)]


def portfolio_features(scenario: Scenario) -> list[Feature]:
    """What trading brought so far, and what the own devices did in the last step."""
    spec = scenario.spec
    dearest = max(spec.price_max_eur_per_kwh, float(scenario.retail_eur_per_kwh.max()))
    if spec.outages is not None:
        dearest = max(dearest, spec.lost_load_eur_per_kwh)
    hour = 2.0 * spec.connection_limit_kw * dearest  # bought at most and sold at most
    day, week = 24.0 * hour, 24.0 * spec.days * hour
    _, rating_kw = registered(scenario)
    rating, load = float(rating_kw.max()), float(scenario.peak_load_kw.max())
    pv, power = float(scenario.pv_peak_kw.max()), scenario.nodes
    gives = pv + float((-power.power_min_kw).sum(axis=1).max())
    takes = load + float(power.power_max_kw.sum(axis=1).max())
    limit = spec.connection_limit_kw
    return [
        Feature("profit_1h", "EUR", -hour, hour),
        Feature("profit_24h", "EUR", -day, day),
        Feature("profit_7d", "EUR", -week, week),
        Feature("cost_24h", "EUR", -day, day),
        Feature("success_24h", "1", 0.0, 1.0),
        Feature("roi_7d", "1", -10.0, 10.0),
        Feature("sharpe", "1", -1000.0, 1000.0),
        Feature("max_drawdown", "EUR", 0.0, week),
        Feature("cvar_10", "EUR", -hour, hour),
        Feature("rating", "kW", 0.0, max(1.0, rating)),
        Feature("production", "kW", 0.0, max(1.0, gives)),
        Feature("consumption", "kW", 0.0, takes),
        Feature("net_load", "kW", -limit, limit),
    ]


def past_features(scenario: Scenario) -> list[Feature]:
    """The features of what a scenario lets its members remember, the board first."""
    seen = scenario.spec.observe
    board = board_features(scenario) if "board" in seen else []
    return [*board, *(portfolio_features(scenario) if "portfolio" in seen else [])]
