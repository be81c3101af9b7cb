"""What an optimum belongs to: a digest of all that the cost of a schedule depends on."""

import hashlib
from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum.full_matching import fully_matched
from p2p_market.community.scenario.fuel import fuel_rules
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.service import service_rules

NODES: Final = (
    "present",
    "retention",
    "charge_gain_h",
    "discharge_gain_h",
    "energy_min_kwh",
    "energy_max_kwh",
    "power_min_kw",
    "power_max_kw",
    "degradation_eur_per_kwh",
    "target_kwh",
)
"""Fields of `Coefficients` in the order in which they are hashed; published digests hold it."""

SERIES: Final = (
    "keys",  # as text: name and fields of `EpisodeKey` are hashed too
    "load_kw",
    "pv_kw",
    "retail_eur_per_kwh",
    "grid",
    "ask_floor_eur_per_kwh",
    "bid_cap_eur_per_kwh",
    "carbon_eur_per_kwh",
    "co2_kg_per_kwh",
    "calendar",
    "known_price_step",
    "expected_load_kw",
    "load_spread_kw",
    "expected_pv_kw",
    "pv_spread_kw",
    "plugged",
    "departs",
    "trip_kwh",
    "floor_kwh",
    "hours_left",
    "start_energy_kwh",
    "pv_ceiling_kw",
    "sensor_fault",
    "sensor_bias",
    "message_fault",
)
"""The same for `Episode`; a field that is added later must leave published digests as they are."""

MACHINES: Final = (
    "charge_on_kw",
    "discharge_on_kw",
    "ramp_kw",
    "start_eur",
    "charge_eur_per_kwh",
    "discharge_eur_per_kwh",
    "hold_eur_per_kwh",
    "missing_eur_per_kwh",
    "spilled_eur_per_kwh",
    "terminal_eur_per_kwh",
    "taper_per_h",
    "soh",
)
"""Fields of `MachineCoefficients`, hashed after all others where a scenario has machines."""

WORLD: Final = ("drift_kwh", "charge_share", "low_share", "high_share", "top_kwh")
"""The same of `World`."""

NEWER: Final = ("feed_in_eur_per_kwh",)
"""Fields that were added later, hashed only where they say more than the rest."""


def digest_of(scenario: Scenario, episode: Episode) -> str:
    """Digest of all that the cost of a schedule depends on: scenario, devices, every series.

    The mechanism is left out: an optimum is played in the same market whatever it is.
    """
    digest = hashlib.sha256(fully_matched(scenario).digest.encode())
    feed_in = scenario.feed_in_eur_per_kwh[0, scenario.contract_of]
    for array in (feed_in, scenario.network_fee_eur_per_kwh):
        digest.update(array.tobytes())
    if scenario.feed_in_follows.any():
        for name in NEWER:
            digest.update(getattr(episode, name).tobytes())
    for record, names in ((scenario.nodes, NODES), (episode, SERIES)):
        for name in names:
            value = getattr(record, name)
            content = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
            digest.update(content)
    if scenario.nodes.machines is not None:
        for name in MACHINES:
            digest.update(getattr(scenario.nodes.machines, name).tobytes())
        for name in WORLD:
            digest.update(getattr(episode, name).tobytes())
    if (fuel := fuel_rules(scenario)) is not None:
        for array in (*fuel, episode.fuel_eur_per_kwh):
            digest.update(array.tobytes())
    if (service := service_rules(scenario)) is not None:
        for array in service:
            digest.update(array.tobytes())
    return digest.hexdigest()
