"""What the engine never does, forbidden with whole numbers.

A linear program may import and sell at once, charge and discharge at once, or cut PV while a
battery discharges. Where one of these pays, its optimum is below what the engine can reach. With

| block | shape | 1 means | 0 means |
|---|---|---|---|
| `charges` | (step, agent, asset) | p >= 0 | p <= 0 |
| `buys` | (step, agent) | 0 <= h <= n | n <= h <= 0, in an outage n <= h |
| `cuts_pv` | (step,) | export at the limit, nobody discharges | no PV is cut |
| `cuts_load` | (step,) | import at the limit, nobody charges | no load is cut |

the program is the engine, step by step; the last two for a binding feeder only.
"""

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray
from tests.baselines.optimal.rows import Blocks, Rows


def forbid(scenario: Scenario, episode: Episode, columns: Blocks, rows: Rows) -> None:
    """Add all rows that tie the whole numbers to powers and flows."""
    _one_direction_at_the_battery(scenario, episode, columns, rows)
    _one_side_of_the_market(scenario, episode, columns, rows)
    if scenario.spec.feeder.mode == "binding":
        _storage_before_cuts(scenario, columns, rows)


def _one_direction_at_the_battery(
    scenario: Scenario, episode: Episode, columns: Blocks, rows: Rows
) -> None:
    """The level lies on the line of its direction, not below; it cannot lie above either."""
    nodes, zero = scenario.nodes, np.zeros(columns.power.shape)
    rows.at_most(zero, (columns.power, 1.0), (columns.charges, -nodes.power_max_kw))
    rows.at_most(
        zero - nodes.power_min_kw, (columns.power, -1.0), (columns.charges, -nodes.power_min_kw)
    )
    worn = columns.cycled, 1.0
    back_kw, forth_kw = 2.0 * nodes.power_min_kw, 2.0 * nodes.power_max_kw
    rows.at_most(zero - back_kw, worn, (columns.power, -1.0), (columns.charges, -back_kw))
    rows.at_most(zero, worn, (columns.power, 1.0), (columns.charges, -forth_kw))
    from_start = zero.copy()
    from_start[0] = nodes.retention * episode.start_energy_kwh[0]
    before = np.roll(columns.level, 1, axis=0)
    kept = np.broadcast_to(nodes.retention, zero.shape).copy()
    kept[0] = 0.0
    known = episode.trip_kwh[:, 0] - from_start
    arrived = (columns.level, -1.0), (columns.made_up, 1.0), (before, kept)
    steeper = nodes.discharge_gain_h - nodes.charge_gain_h
    most = steeper * np.maximum(nodes.power_max_kw, -nodes.power_min_kw)
    charging = (columns.power, nodes.charge_gain_h), (columns.charges, most)
    rows.at_most(known + most, *arrived, *charging)
    discharging = (columns.power, nodes.discharge_gain_h), (columns.charges, -most)
    rows.at_most(known, *arrived, *discharging)


def _one_side_of_the_market(
    scenario: Scenario, episode: Episode, columns: Blocks, rows: Rows
) -> None:
    """Who has a deficit buys at most that; who has a surplus sells at most that."""
    least, most = _net_range(scenario, episode)
    zero = np.zeros(columns.hub.shape)
    bought, kept = (columns.hub, 1.0), (columns.net, 1.0)
    sold, lacking = (columns.hub, -1.0), (columns.net, -1.0)
    rows.at_most(zero, bought, (columns.buys, -most))
    rows.at_most(-least, sold, (columns.buys, -least))
    rows.at_most(zero, kept, sold, (columns.buys, -most))
    rows.at_most(-least, bought, lacking, (columns.buys, -least))


def _net_range(scenario: Scenario, episode: Episode) -> tuple[FloatArray, FloatArray]:
    """Lowest (<= 0) and highest (>= 0) net load that each member can have, (step, agent)."""
    nodes, limit = scenario.nodes, scenario.spec.connection_limit_kw
    load, pv = episode.load_kw[:, 0], episode.pv_kw[:, 0]
    cut = float(scenario.cuts)
    least = (1.0 - cut) * load - pv + nodes.power_min_kw.sum(axis=1)
    most = load - (1.0 - cut) * pv + nodes.power_max_kw.sum(axis=1)
    return np.clip(least, -limit, 0.0), np.clip(most, 0.0, limit)


def _storage_before_cuts(scenario: Scenario, columns: Blocks, rows: Rows) -> None:
    """Cuts begin when storage that adds to the flow is idle, and end at the limit."""
    nodes, limit = scenario.nodes, scenario.spec.feeder.limit_kw
    zero = np.zeros(len(columns.net))
    for share, cuts, sign, most in (
        (columns.pv_share, columns.cuts_pv, -1.0, -nodes.power_min_kw),
        (columns.load_share, columns.cuts_load, 1.0, nodes.power_max_kw),
    ):
        rows.at_most(zero, (share, 1.0), (cuts, -1.0))
        rows.at_most(zero + limit, (columns.net, -sign), (cuts, 2.0 * limit))
        every = np.broadcast_to(cuts[:, None, None], columns.power.shape)
        free = np.broadcast_to(most, columns.power.shape)
        rows.at_most(free, (columns.power, sign), (every, free))
