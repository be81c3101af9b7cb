"""The hours ahead as the program reads them."""

from collections.abc import Mapping

import numpy as np

from baselines.community.mpc.acts import running_share
from baselines.community.mpc.forecasts import Forecast, columns
from baselines.community.mpc.worlds import WorldAhead
from baselines.community.optimal.outlook import Outlook
from p2p_market.community.scenario.scenario import Scenario
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
        *_stays(ahead, seen, at, expected.world, running_share(scenario, ahead, seen, at)),
        _levels(ahead, seen, at),
        *_world(ahead, expected.world),
    )  # fmt: skip


def _stays(
    ahead: Scenario,
    seen: FloatArray,
    at: Mapping[str, int],
    world: WorldAhead | None,
    running: FloatArray | None,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Plugged, departs, trip and floor: a vehicle stays until it leaves, and is away from then on.

    The tube is left to the program: what is missing at the departure costs the shortfall. Machines
    stay; that they cannot charge, or have work to do, says nothing else. Where there are some, all
    rests once the episode has ended.
    """
    nodes, blocks = ahead.nodes, np.arange(ahead.steps)[:, None]
    plugged, departs, trip_kwh = np.zeros((3, len(blocks), 1, *nodes.present.shape))
    for asset in range(nodes.present.shape[1]):
        here = seen[:, at[f"power_max_{asset}"]] > 0.0
        left_h = seen[:, at[f"hours_left_{asset}"]]
        if nodes.machines is not None:
            stays = nodes.present[:, asset] & (nodes.target_kwh[:, asset] == 0.0)
            here, left_h = here | stays, np.where(stays, 0.0, left_h)
        last = np.where(left_h > 0.0, np.ceil(left_h / ahead.dt_h - 1e-6) - 1, len(blocks))
        plugged[:, 0, :, asset] = here & (blocks <= last)
        departs[:, 0, :, asset] = here & (blocks == last)
    if world is not None:
        plugged, departs = plugged * world.inside[:, None], departs * world.inside[:, None]
    if running is not None:
        plugged = plugged * running[:, None]
    floor_kwh = plugged * np.where(nodes.target_kwh > 0.0, 0.0, nodes.energy_min_kwh)
    return plugged, departs, trip_kwh, floor_kwh


def _levels(ahead: Scenario, seen: FloatArray, at: Mapping[str, int]) -> FloatArray:
    """Levels now, (1, agent, asset) [kWh]; that of a vehicle away does not matter."""
    nodes = ahead.nodes
    soc = np.stack([seen[:, at[f"soc_{k}"]] for k in range(nodes.present.shape[1])], axis=-1)
    levels = np.clip(soc * nodes.energy_max_kwh, nodes.energy_min_kwh, nodes.energy_max_kwh)
    return np.asarray(levels[None])


def _world(ahead: Scenario, world: WorldAhead | None) -> tuple[FloatArray, ...]:
    """What is expected of the world of machines; limits of power stay as they are now.

    Returns:
        The last fields of `Outlook`, (block, 1, agent, asset); nothing where there are no machines.
    """
    if world is None:
        return ()
    whole = np.ones((ahead.steps, 1, *ahead.nodes.present.shape))
    drift, share, top, spilled = (
        one[:, None]
        for one in (world.drift_kwh, world.charge_share, world.top_kwh, world.spilled_max_kwh)
    )
    return drift, share, whole, whole, top, spilled
