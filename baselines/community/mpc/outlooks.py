"""The hours ahead as the program reads them."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from baselines.community.mpc.forecasts import Forecast, columns
from baselines.community.optimal.outlook import Outlook
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray


def outlook_of(
    scenario: Scenario, ahead: Scenario, seen: FloatArray, expected: Forecast
) -> Outlook:
    """The horizon of one community; carbon and the grid's presence stay as they are now.

    Args:
        ahead: the community in steps of a block.
        seen: observations of this step, (agent, feature).
    """
    at, blocks = columns(scenario), ahead.steps
    tick, fee = scenario.spec.tick_eur_per_kwh, scenario.network_fee_eur_per_kwh
    carbon = np.full((blocks, 1), seen[0, at["carbon_cost"]])
    floor = expected.feed_in_eur_per_kwh + fee
    cap = expected.retail_eur_per_kwh + carbon - fee
    grid = np.ones((blocks, 1))
    if "grid" in at:
        grid[0] = seen[0, at["grid"]]
    return Outlook(
        expected.load_kw[:, None], expected.pv_kw[:, None], expected.retail_eur_per_kwh[:, None],
        expected.feed_in_eur_per_kwh[:, None], carbon,
        to_ticks(floor, tick)[:, None], to_ticks(cap, tick)[:, None], grid,
        *_stays(ahead, seen, at), _levels(ahead, seen, at), *_world(ahead, seen, at),
    )  # fmt: skip


def _stays(
    ahead: Scenario, seen: FloatArray, at: Mapping[str, int]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Plugged, departs, trip and floor: a vehicle stays until it leaves, and is away from then on.

    The tube is left to the program: what is missing at the departure costs the shortfall.
    """
    nodes, blocks = ahead.nodes, np.arange(ahead.steps)[:, None]
    plugged, departs, trip_kwh = np.zeros((3, len(blocks), 1, *nodes.present.shape))
    for asset in range(nodes.present.shape[1]):
        here = seen[:, at[f"power_max_{asset}"]] > 0.0
        left_h = seen[:, at[f"hours_left_{asset}"]]
        last = np.where(left_h > 0.0, np.ceil(left_h / ahead.dt_h - 1e-6) - 1, len(blocks))
        plugged[:, 0, :, asset] = here & (blocks <= last)
        departs[:, 0, :, asset] = here & (blocks == last)
    floor_kwh = plugged * np.where(nodes.target_kwh > 0.0, 0.0, nodes.energy_min_kwh)
    return plugged, departs, trip_kwh, floor_kwh


def _levels(ahead: Scenario, seen: FloatArray, at: Mapping[str, int]) -> FloatArray:
    """Levels now, (1, agent, asset) [kWh]; that of a vehicle away does not matter."""
    nodes = ahead.nodes
    soc = np.stack([seen[:, at[f"soc_{k}"]] for k in range(nodes.present.shape[1])], axis=-1)
    levels = np.clip(soc * nodes.energy_max_kwh, nodes.energy_min_kwh, nodes.energy_max_kwh)
    return np.asarray(levels[None])


def _world(ahead: Scenario, seen: FloatArray, at: Mapping[str, int]) -> tuple[FloatArray, ...]:
    """What is expected of the world of machines; shares stay as they are now.

    Returns:
        Fields of `World`, (block, 1, agent, asset); nothing where all devices are plain stores.
    """
    nodes = ahead.nodes
    if nodes.machines is None:
        return ()
    shape = (ahead.steps, 1, *nodes.present.shape)
    middle_h = (np.arange(ahead.steps) + 0.5) * ahead.dt_h
    known_h = (0.0, *HORIZONS_H)
    drift, share = np.zeros(shape), np.ones(shape)
    for asset in range(nodes.present.shape[1]):
        told = [seen[:, at[f"drift_{asset}"]]]
        told += [seen[:, at[f"drift_in_{hours}h_{asset}"]] for hours in HORIZONS_H]
        for agent, kw in enumerate(np.stack(told, axis=-1)):
            drift[:, 0, agent, asset] = ahead.dt_h * np.interp(middle_h, known_h, kw)
        share[:, 0, :, asset] = np.maximum(seen[:, at[f"charge_share_{asset}"]], LEAST_SHARE)
    whole = np.ones(shape)
    return drift, share, whole, whole, np.broadcast_to(nodes.energy_max_kwh, shape)


LEAST_SHARE: Final = 1e-6
"""So that charging always gains something, whatever a meter says."""
