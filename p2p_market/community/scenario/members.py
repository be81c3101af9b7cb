"""Members of a scenario file as power nodes and arrays; errors name the member and the field."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from pydantic import ValidationError

from p2p_market.assets import ASSETS, MEASURED
from p2p_market.assets.load import ANY
from p2p_market.assets.measured import COLUMN
from p2p_market.assets.node import PowerNode
from p2p_market.assets.sun import sun_vector, tilted_fraction
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.data import DataSet, donor_pools
from p2p_market.data.calendar import SPLIT_DAYS, highest_around
from p2p_market.errors import DataError, ScenarioError
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray, IntArray
from p2p_market.validation import explain, shortened

FEE_SHARE: Final = {"none": 0.0, "low": 0.25, "full": 1.0}
"""Share of the grid fee that P2P trade pays, per fee level."""

CLEAR_SKY_SHARE: Final = 0.8
"""Power at a national clearness of one over the clear-sky model's, which knows no haze: chosen so
that a roof of 35 degrees to the south yields about 1,000 kWh per kWp in 2018."""

CLEARNESS_RANGE: Final = (0.02, 1.05)
"""PV power over that without clouds: never less, never more."""

CLOUD_SPREAD: Final = 0.20  # of local clearness around the national mean
ROOF_SPREAD: Final = 0.05  # private part of clearness
CLOUD_PERSISTENCE: Final = 0.93  # per quarter-hour, of local clearness around the national mean


def devices(spec: ScenarioSpec, number: int) -> list[PowerNode]:
    """Power nodes of one member, in the file's order.

    Raises:
        ScenarioError: if a kind is unknown or a parameter impossible.
    """
    nodes = []
    for position, device in enumerate(spec.members[number].assets):
        place = f"members[{number}].assets[{position}]"
        parameters = dict(device)
        kind = parameters.pop("kind", None)
        if not isinstance(kind, str) or kind not in ASSETS:
            known = ", ".join(ASSETS)
            raise ScenarioError(f"{spec.id}: {place}.kind {shortened(kind)}; known: {known}")
        try:
            kinds = MEASURED if "column" in parameters and kind in MEASURED else ASSETS
            nodes.append(kinds[kind](**parameters))
        except ValidationError as error:
            raise ScenarioError(f"{spec.id}: {kind}: {explain(error, place=place)}") from error
        except ValueError as error:
            raise ScenarioError(f"{spec.id}: {place}: {error}") from error
    return nodes


def sized(
    spec: ScenarioSpec, data: DataSet, number: int, own: Sequence[PowerNode]
) -> list[PowerNode]:
    """Nodes of one member, those that name a column with the size that was measured.

    Raises:
        ScenarioError: if the data set has no such column.
    """
    loads = {donor.name: donor.mean_kw for donor in data.donors if donor.mean_kw > 0.0}
    peaks = {roof.name: float(roof.power_kw.max()) for roof in data.roofs}
    nodes = []
    for node in own:
        if node.profile.startswith(COLUMN):
            what, known = ("load", loads) if node.driver == "demand" else ("pv", peaks)
            name = node.profile.removeprefix(COLUMN)
            if name not in known:
                raise ScenarioError(
                    f"{spec.id}: members[{number}]: no column {name!r} of {what} in "
                    f"{data.name}; known: {', '.join(known) or 'none'}"
                )
            node = replace(node, scale_kw=known[name])
        nodes.append(node)
    return nodes


def demand_of(spec: ScenarioSpec, number: int, own: Sequence[PowerNode]) -> PowerNode:
    """The load of one member.

    Raises:
        ScenarioError: if it has no load or several, more than one roof, or more than one vehicle.
    """
    if sum(node.stays_per_day > 0.0 for node in own) > 1:
        raise ScenarioError(f"{spec.id}: members[{number}] has more than one electric vehicle")
    found = [node for node in own if node.driver == "demand"]
    roofs = sum(node.driver == "sun" or node.law == "pv_detail" for node in own)
    if len(found) != 1 or roofs > 1:
        raise ScenarioError(
            f"{spec.id}: members[{number}] needs exactly one load and at most one pv among assets"
        )
    return found[0]


DonorPools = Mapping[str, tuple[int, ...]]
"""Split -> places of the donors that a load may follow in it."""


def pools_of(spec: ScenarioSpec, data: DataSet, number: int, node: PowerNode) -> DonorPools:
    """Donors of a load in each split: its own, all of a kind, or the split's part of a kind.

    Raises:
        ScenarioError: if the data set has no such donor or kind, or too few to hold some out.
    """
    where = f"{spec.id}: members[{number}]"
    if not node.profile.startswith(ANY):
        if spec.donors == "held_out":
            name = node.profile.removeprefix(COLUMN)
            raise ScenarioError(
                f"{where}: donor {name!r}, but donors are held out: name donor_kind instead"
            )
        return dict.fromkeys(SPLIT_DAYS, (donor_index(spec, data, number, node),))
    kind = node.profile.removeprefix(ANY)
    if spec.donors == "held_out":
        try:
            return donor_pools(data, kind)
        except DataError as error:
            raise ScenarioError(f"{where}: {error}") from error
    places = tuple(i for i, donor in enumerate(data.donors) if donor.kind == kind)
    if not places:
        known = ", ".join(sorted({donor.kind for donor in data.donors}))
        raise ScenarioError(f"{where}: unknown donor_kind {kind!r}; known: {known}")
    return dict.fromkeys(SPLIT_DAYS, places)


def all_pools(
    spec: ScenarioSpec, data: DataSet, demand: Sequence[PowerNode]
) -> tuple[DonorPools, ...]:
    """Donors of each member's load; members that name the same donors share their pools."""
    found: dict[str, DonorPools] = {}
    for number, node in enumerate(demand):
        if node.profile not in found:
            found[node.profile] = pools_of(spec, data, number, node)
    return tuple(found[node.profile] for node in demand)


def donor_index(spec: ScenarioSpec, data: DataSet, number: int, node: PowerNode) -> int:
    """Place of a load's donor in the data set.

    Raises:
        ScenarioError: if the data set has no such donor.
    """
    names = [donor.name for donor in data.donors]
    name = node.profile.removeprefix(COLUMN)
    if name not in names:
        raise ScenarioError(
            f"{spec.id}: members[{number}]: no donor {name!r}; known: {', '.join(names)}"
        )
    return names.index(name)


def peak_loads_kw(
    data: DataSet, demand: Sequence[PowerNode], pools: Sequence[DonorPools]
) -> FloatArray:
    """The highest load that a draw can give in any split, rounded up to a watt as draws are.

    Returns:
        One per member, (agent,) [kW].
    """
    peaks = [float(donor.shape.max()) for donor in data.donors]
    highest = [max(peaks[place] for pool in own.values() for place in pool) for own in pools]
    return np.array(
        [
            math.ceil(1000.0 * node.scale_kw * peak) / 1000.0
            for node, peak in zip(demand, highest, strict=True)
        ]
    )


def clear_skies(
    spec: ScenarioSpec, data: DataSet, roofs: Sequence[PowerNode | None]
) -> tuple[FloatArray, IntArray, FloatArray]:
    """The year without clouds, once for all roofs that look the same way.

    A measured roof has a year of its own: the highest power of the days around each.

    Returns:
        Irradiance as a fraction of 1 kW/m2, (quarter of the year, orientation); the orientation of
        each member's roof, (agent,); and its power at a fraction of one, (agent,) [kW], 0 without.
    """
    quarters = len(data.solar_clearness)
    hours: FloatArray = np.arange(0.5, quarters) / 4.0 + (1.0 - data.utc_offset_h)
    sun = sun_vector(spec.site.latitude_deg, spec.site.longitude_deg, hours)
    looks = [
        None if roof is None else (roof.profile, roof.tilt_deg, roof.azimuth_deg) for roof in roofs
    ]
    column = {look: place for place, look in enumerate(dict.fromkeys(filter(None, looks)))}
    measured = {f"{COLUMN}{roof.name}": roof.power_kw for roof in data.roofs}
    fraction = np.zeros((quarters, max(1, len(column))))
    for (profile, *look), place in column.items():
        if profile:
            highest = highest_around(measured[profile])
            fraction[:, place] = highest / highest.max()
        else:
            fraction[:, place] = tilted_fraction(sun, *look)
    orientation = np.array([column[look] if look else 0 for look in looks])
    full_kw = [_full_kw(roof) for roof in roofs]
    return fraction, orientation, np.array(full_kw)


def _full_kw(roof: PowerNode | None) -> float:
    if roof is None:
        return 0.0
    return roof.scale_kw if roof.profile else CLEAR_SKY_SHARE * roof.scale_kw


def network_fees(spec: ScenarioSpec, data: DataSet) -> FloatArray:
    """Fee per member: half the grid fee, half of that by distance, and half of the line losses."""
    distance = data.feeder.distance_km[data.feeder.load_node]
    for number, member in enumerate(spec.members):
        if member.node >= len(distance):
            raise ScenarioError(
                f"{spec.id}: members[{number}].node {member.node}; "
                f"the feeder has connection points 0 to {len(distance) - 1}"
            )
    own = distance[[member.node for member in spec.members]] / distance.max()
    full = spec.fees.grid_fee_eur_per_kwh / 2.0 * (1.0 + own) / 2.0
    losses = spec.fees.loss_share * spec.fees.loss_price_eur_per_kwh / 2.0
    return to_ticks(FEE_SHARE[spec.fees.level] * full + losses, spec.tick_eur_per_kwh)
