"""A first scenario file for an imported data set: every column of load is a member."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from p2p_market.data import DataSet, Donor
from p2p_market.errors import ScenarioError

FACTOR: Final = 1.19
ADDER_EUR_PER_KWH: Final = 0.24
FLOOR_EUR_PER_KWH: Final = 0.15
CARBON_EUR_PER_KG: Final = 0.025
BATTERY_KWH_PER_DAY: Final = 0.7  # capacity per kWh of a mean day's load
ROOF_KWP_PER_MWH: Final = 1.3  # modelled where no PV was measured

_HEAD: Final = """\
# Written by `p2p-market data import`. Loads{and_pv} are as measured; contracts, fees,
# batteries{and_roofs} and places on the feeder are assumed. Change what is known better, and give
# another id to whatever is published.
id: {id}
title: {members} members on measured loads
description: Members of the imported data set {data}, with assumed contracts and batteries.
data: {data}
dt_h: {dt_h:g}
days: 7
price_max_eur_per_kwh: {price_max:g}
shortfall_eur_per_kwh: {shortfall:g}
carbon_eur_per_kg: {carbon:g}
terminal_value_eur_per_kwh: 0.14
connection_limit_kw: {connection:g}
site: {{latitude_deg: 51.3, longitude_deg: 9.5}}  # of modelled roofs
feeder: {{limit_kw: {feeder:g}}}
fees: {{level: low}}
contracts:
  dynamic:
    kind: dynamic
    factor: {factor:g}
    adder_eur_per_kwh: {adder:g}
    floor_eur_per_kwh: {floor:g}
    feed_in_eur_per_kwh: 0.10
members:
"""


def starter(data: DataSet) -> str:
    """The text of a scenario file.

    Steps are as long as those of the loads. Every load is a member. One with PV under its own name
    has this roof and a battery; where no PV was measured at all, every second member has a modelled
    roof and a battery.

    Args:
        data: an imported set.

    Raises:
        ScenarioError: if it has no loads of its own.
    """
    loads = [donor for donor in data.donors if donor.mean_kw > 0.0]
    if not loads:
        raise ScenarioError(f"{data.name}: no loads were imported; give --load FILE")
    roofs = {roof.name: float(roof.power_kw.max()) for roof in data.roofs}
    points = len(data.feeder.load_node)
    lines, most_kw, feeder_kw = [], 0.0, 0.0
    for place, donor in enumerate(loads):
        peak_kw, mean_kwh = donor.mean_kw * float(donor.shape.max()), 24.0 * donor.mean_kw
        roof_kw = roofs.get(donor.name, 0.0)
        devices = [f"{{kind: load, column: {_text(donor.name)}}}"]
        if roof_kw:
            devices.append(f"{{kind: pv, column: {_text(donor.name)}}}")
        elif not roofs and place % 2 == 0:
            roof_kw = _rounded(ROOF_KWP_PER_MWH * 0.365 * mean_kwh)
            devices.append(f"{{kind: pv, peak_kw: {roof_kw:g}, tilt_deg: 30, azimuth_deg: 180}}")
        if roof_kw:
            kwh = _rounded(BATTERY_KWH_PER_DAY * mean_kwh)
            devices.append(f"{{kind: battery, capacity_kwh: {kwh:g}, power_kw: {kwh / 2:g}}}")
            roof_kw += kwh / 2
        node = place * (points - 1) // max(1, len(loads) - 1) if len(loads) > 1 else 0
        lines.append(f"  - node: {node}\n    contract: dynamic\n    assets:\n")
        lines += [f"      - {device}\n" for device in devices]
        most_kw = max(most_kw, peak_kw, 1.1 * roof_kw)
        feeder_kw += max(peak_kw / 3.0, roof_kw)
    highest = FACTOR * float(data.day_ahead_eur_per_kwh.max()) + ADDER_EUR_PER_KWH
    highest += CARBON_EUR_PER_KG * float(data.co2_g_per_kwh.max()) / 1000.0
    price_max = math.ceil(10.0 * max(highest, FLOOR_EUR_PER_KWH) + 0.5) / 10.0
    own = data.name.partition(":")[2].partition("+")[0]
    head = _HEAD.format(
        id=f"{own}-v0",
        data=f"own:{own}",
        members=len(loads),
        and_pv=" and PV" if roofs else "",
        and_roofs="" if roofs else ", roofs",
        dt_h=_step_h(loads),
        price_max=price_max,
        shortfall=2.0 * price_max,
        carbon=CARBON_EUR_PER_KG,
        connection=math.ceil(1.2 * most_kw),
        feeder=math.ceil(0.7 * feeder_kw),
        factor=FACTOR,
        adder=ADDER_EUR_PER_KWH,
        floor=FLOOR_EUR_PER_KWH,
    )
    return head + "".join(lines)


def _step_h(loads: Sequence[Donor]) -> float:
    """The longest step in which loads do not change, but for a few hours that were filled."""
    for steps in (4, 2):
        still = [np.all(np.diff(own.shape.reshape(-1, steps)) == 0.0, axis=1) for own in loads]
        if np.mean(still) > 0.97:
            return steps / 4.0
    return 0.25


def _text(name: str) -> str:
    """A name as YAML reads it back: in quotes."""
    return "'" + name.replace("'", "''") + "'"


def _rounded(value: float) -> float:
    return max(0.5, round(2.0 * value) / 2.0)
