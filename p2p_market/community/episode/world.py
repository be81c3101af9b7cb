"""What the world does to machines in an episode: their laws, drawn at reset."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers import Drive
from p2p_market.assets.drivers.drive import rounded
from p2p_market.assets.machine import World
from p2p_market.assets.node import PowerNode
from p2p_market.community.episode.clouds import draw_clearness
from p2p_market.community.scenario.laws import JOB_RANGE, generation_of, law_of
from p2p_market.community.scenario.record import Scenario
from p2p_market.data.streams import stream
from p2p_market.records import FloatArray
from p2p_market.track import EpisodeKey

SERIES: Final = World.Arrays._fields
STREAM: Final = 5
UNFORCED_KWH: Final = -1e9
"""A floor that forces nothing: no machine falls so far in a step."""
PLANTS: Final = 6
"""Of the episode's draws; loads, clouds, levels, outages and faults have those before it."""


def draw_world(
    scenario: Scenario,
    key: EpisodeKey,
    out_start_kwh: FloatArray,
    presence: dict[str, FloatArray],
    net_load_kw: FloatArray,
) -> dict[str, FloatArray]:
    """Draw what moves the levels of machines; without machines the series have no rows.

    Args:
        out_start_kwh: levels at the start, (agent, asset); never above the top of the first step.
        presence: series by name; work that has an end replaces `floor_kwh` and `hours_left`.
        net_load_kw: load less generation, (step, agent) [kW].

    Returns:
        Series by the names of `World`, (step, 1, agent, asset).
    """
    nodes = scenario.nodes
    if nodes.machines is None:
        nothing = np.zeros((0, 1, *nodes.present.shape))
        return dict.fromkeys(SERIES, nothing)
    shape = (scenario.steps, 1, *nodes.present.shape)
    world = {name: np.ones(shape) for name in SERIES}
    world["drift_kwh"] = np.zeros(shape)
    world["top_kwh"] = np.broadcast_to(nodes.energy_max_kwh, shape).copy()
    presence |= {name: presence[name].copy() for name in ("floor_kwh", "hours_left")}
    for agent, own in enumerate(scenario.flexible):
        for asset, node in enumerate(own):
            if node.law:
                place = np.s_[:, 0, agent, asset]
                drive = _drawn(scenario, key, node, agent, asset, net_load_kw[:, agent])
                for name in ("drift_kwh", "charge_share", "low_share", "high_share"):
                    world[name][place] = getattr(drive, name)
                world["top_kwh"][place] = np.minimum(drive.top_kwh, node.energy_max_kwh)
                if node.target_kwh > 0.0:
                    continue  # a vehicle's tube is that of its stays
                least = np.maximum(drive.floor_kwh, node.energy_min_kwh)
                presence["floor_kwh"][place] = np.minimum(least, world["top_kwh"][place])
                presence["hours_left"][place] = drive.hours_left
    np.minimum(out_start_kwh, world["top_kwh"][0, 0], out=out_start_kwh)
    return world


def force_nothing(
    scenario: Scenario, grid: FloatArray, out_presence: dict[str, FloatArray]
) -> None:
    """Take the floors of machines away without the grid: what is missing then is bought.

    Who has no power cannot be forced to use it, and load is worth more than any back-up. Machines
    that discharge keep theirs: it says when they are empty, and nothing drains them.

    Args:
        grid: 0 in an outage, (step, 1).
        out_presence: series by name.
    """
    gone = grid[:, 0] == 0.0
    if scenario.nodes.machines is None or not gone.any():
        return
    for agent, own in enumerate(scenario.flexible):
        for asset, node in enumerate(own):
            if node.law and node.power_min_kw == 0.0:
                out_presence["floor_kwh"][gone, 0, agent, asset] = UNFORCED_KWH


def add_generation(scenario: Scenario, key: EpisodeKey, out_pv_kw: FloatArray) -> None:
    """Add to PV, (step, agent) [kW], what plants that the weather drives give, to 1 W."""
    roofs = [i for i, own in enumerate(scenario.generators) if any(_is_roof(one) for one in own)]
    if roofs:
        clear = draw_clearness(scenario, key.seed, key.start_day, np.array(roofs))
    for agent, plants in enumerate(scenario.generators):
        if plants:
            seed = np.random.SeedSequence((key.seed, key.start_day), spawn_key=(PLANTS, agent))
            for number, node in enumerate(plants):
                days, own = scenario.spec.days, stream(seed, number)
                sky = clear[:, agent] if _is_roof(node) else None
                out_pv_kw[:, agent] += generation_of(scenario, node, key.start_day, days, own, sky)
            out_pv_kw[:, agent] = rounded(out_pv_kw[:, agent])


def _is_roof(node: PowerNode) -> bool:
    return node.law == "pv_detail"


def _drawn(
    scenario: Scenario,
    key: EpisodeKey,
    node: PowerNode,
    agent: int,
    asset: int,
    net_load_kw: FloatArray,
) -> Drive:
    """The law of one device in an episode."""
    entropy = np.random.SeedSequence((key.seed, key.start_day), spawn_key=(STREAM, agent))
    generator = stream(entropy, asset)
    days = scenario.spec.days + 1

    def of_each_day(usual: float, count: int) -> FloatArray:
        low, high = JOB_RANGE
        return np.asarray(usual * (low + (high - low) * generator.random((days, count))))

    days_of = scenario.spec.days
    return law_of(scenario, node, key.start_day, days_of, of_each_day, net_load_kw)
