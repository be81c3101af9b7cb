"""A draw of a community: a generated year, homes that nobody has seen, any week of the split.

A community on data of the organiser's own keeps them: they are what nobody else has seen.
"""

import math
from collections.abc import Callable
from typing import Any, Final

from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.schema import Contract, DynamicContract, Member, ScenarioSpec
from p2p_market.community.scenario.tariff import feed_in_year
from p2p_market.data import load
from p2p_market.data.calendar import start_days
from p2p_market.data.sources import is_own
from p2p_market.track import EpisodeKey

STRANGERS: Final = {"farm": "commercial"}
"""Kind of a donor that no generated year has -> the kind in its place."""
CO2_KG_PER_KWH: Final = 0.77
"""No hour of a generated year has more."""


def drawn(
    scenario: Scenario, split: str, number: Callable[[str], int]
) -> tuple[ScenarioSpec, EpisodeKey]:
    """Specification and key of a draw."""
    own = is_own(scenario.spec.data)
    spec = scenario.spec if own else on_year(scenario.spec, number("data"))
    starts = start_days(split, spec.days)
    start = int(starts[number("start") % len(starts)])
    return spec, EpisodeKey(split, start, number("seed"))


def on_year(spec: ScenarioSpec, year: int) -> ScenarioSpec:
    """A scenario on a generated year, with homes that nobody has seen.

    Members keep devices, contracts and the kind of their load. A dynamic price keeps to what the
    market can express: spikes of a generated year end at the highest price less carbon cost.
    """
    prices = f"{spec.prices.partition(':')[0]}:{year}" if spec.prices else None
    kinds = {donor.name: donor.kind for donor in load(spec.data).donors}
    return spec.model_copy(
        update={
            "data": f"synthetic:{year}",
            "prices": prices,
            "donors": "held_out",
            "contracts": {name: _in_range(spec, one) for name, one in spec.contracts.items()},
            "members": tuple(_unseen(member, kinds) for member in spec.members),
        }
    )


def _unseen(member: Member, kinds: dict[str, str]) -> Member:
    """The member with any donor of its load's kind."""
    assets = tuple(_any_donor(device, kinds) for device in member.assets)
    return member.model_copy(update={"assets": assets})


def _any_donor(device: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    if device["kind"] != "load":
        return device
    kind = device["donor_kind"] if "donor_kind" in device else kinds[device["donor"]]
    return {
        "kind": "load",
        "annual_kwh": device["annual_kwh"],
        "donor_kind": STRANGERS.get(kind, kind),
    }


def _in_range(spec: ScenarioSpec, contract: Contract) -> Contract:
    """A dynamic contract between all fixed feed-in tariffs and the highest price.

    A feed-in tariff that follows the price stays where it is in the scenario's own year, for which
    its rules were checked.
    """
    tick = spec.tick_eur_per_kwh
    room = spec.price_max_eur_per_kwh - spec.carbon_eur_per_kg * CO2_KG_PER_KWH
    cap = round(math.floor(room / tick) * tick, 9)
    if (paid := contract.feed_in) is not None:
        year = load(f"{spec.data}+{spec.prices}" if spec.prices else spec.data)
        own = feed_in_year(contract, year, tick)
        ends = {"floor_eur_per_kwh": float(own.min()), "cap_eur_per_kwh": float(own.max())}
        contract = contract.model_copy(update={"feed_in": paid.model_copy(update=ends)})
    if not isinstance(contract, DynamicContract):
        return contract
    worth = [each.feed_in_eur_per_kwh or 0.0 for each in spec.contracts.values()]
    floor = max(contract.floor_eur_per_kwh or 0.0, spec.terminal_value_eur_per_kwh, *worth)
    return contract.model_copy(update={"floor_eur_per_kwh": floor, "cap_eur_per_kwh": cap})
