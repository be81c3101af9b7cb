"""Scenario files drawn from the schema: legal, extreme and wrong, whatever fields there are."""

import copy
from collections.abc import Iterator
from typing import Any, Final

import yaml
from hypothesis import strategies as st
from pydantic import TypeAdapter

from p2p_market.assets import ASSETS
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.market import MECHANISMS
from p2p_market.scenarios import scenario_folder
from tests.every_scenario import STORES

Json = Any
SCHEMA: Final = ScenarioSpec.model_json_schema()
DEVICES: Final = {kind: TypeAdapter(make).json_schema() for kind, make in ASSETS.items()}

NAMES: Final = {
    "data": ["de2018", "synthetic:1"],
    "prices": [None, "synthetic-crisis:4"],
    "mechanism": list(MECHANISMS),
    "donor": ["H0-A", "G1-A", "L1-A", "nobody"],
    "donor_kind": ["household", "commercial", "castle"],
    "contract": ["plain", "day", "spot"],
    "title": ["t", "Zürich [€/kWh]"],
    "description": ["d"],
    "id": ["drawn-v0"],
    "dt_h": [1.0, 0.5, 0.25],
    "days": [1, 1, 1, 2],
}
"""Values that mean something, by field."""

WRONG: Final[list[Json]] = [
    None, True, False, "", "1", "x", "nan", [], [1, 2], {}, {"kind": []}, -1, 0, 1, -0.5, 3.7,
    1e-300, 1e30, 1e300, float("inf"), float("nan"), 2**63, 10**400, "\u0663", [[[]]],
    {"a": {"b": 1}},
]  # fmt: skip

SMALL: Final[Json] = {
    "id": "drawn-v0",
    "title": "t",
    "description": "d",
    "data": "de2018",
    "dt_h": 1.0,
    "days": 1,
    "price_max_eur_per_kwh": 0.9,
    "terminal_value_eur_per_kwh": 0.12,
    "connection_limit_kw": 60.0,
    "site": {"latitude_deg": 51.3, "longitude_deg": 9.5},
    "feeder": {"limit_kw": 20.0, "overload_eur_per_kwh": 0.04},
    "fees": {"level": "full"},
    "contracts": {
        "plain": {"kind": "flat", "retail_eur_per_kwh": 0.3, "feed_in_eur_per_kwh": 0.08},
        "day": {"kind": "time_of_use", "peak_eur_per_kwh": 0.33, "off_peak_eur_per_kwh": 0.27,
                "peak_hours": [7, 20], "feed_in_eur_per_kwh": 0.08},
        "spot": {"kind": "dynamic", "factor": 0.1, "adder_eur_per_kwh": 0.27,
                 "floor_eur_per_kwh": 0.25, "cap_eur_per_kwh": 0.34, "feed_in_eur_per_kwh": 0.09},
    },
    "members": [
        {"node": 3, "contract": "plain", "assets": [
            {"kind": "load", "donor": "H0-A", "annual_kwh": 4000},
            {"kind": "pv", "peak_kw": 9, "tilt_deg": 30, "azimuth_deg": 180},
            {"kind": "battery", "capacity_kwh": 8, "power_kw": 4}]},
        {"node": 50, "contract": "day", "assets": [
            {"kind": "load", "donor_kind": "commercial", "annual_kwh": 9000},
            {"kind": "electric_vehicle", "capacity_kwh": 50, "power_kw": 11}]},
        {"node": 90, "contract": "spot", "assets": [
            {"kind": "load", "donor": "L1-A", "annual_kwh": 20000}]},
    ],
}  # fmt: skip
"""What is changed: each kind of contract and of device once."""

NO_CAR: Final[Json] = [
    {**SMALL["members"][0], "assets": [*SMALL["members"][0]["assets"][:2],
        {"kind": "battery", "capacity_kwh": 8, "power_kw": 4, "degradation_eur_per_kwh": 0.01}]},
    {**SMALL["members"][1], "assets": [SMALL["members"][1]["assets"][0],
        {"kind": "battery", "capacity_kwh": 5, "power_kw": 5, "eta_charge": 1.0}]},
    SMALL["members"][2],
]  # fmt: skip
VARIANTS: Final[list[Json]] = [
    {},
    {"members": NO_CAR, "outages": {"windows": 1, "hours": [1.0, 3.0]}, "fees": {
        "level": "low", "loss_share": 0.05, "loss_price_eur_per_kwh": 0.1}},
    {"members": NO_CAR, "feeder": {"limit_kw": 6.0, "mode": "binding"},
        "optimum": "mixed_integer"},
    {"dt_h": 0.25, "carbon_eur_per_kg": 0.05, "faults": {}},
    {"optimum": "mixed_integer", "prices": "synthetic-crisis:4", "price_max_eur_per_kwh": 1.2,
        "shortfall_eur_per_kwh": 2.0},
    {"dt_h": 0.5, "donors": "held_out", "members": [
        {"node": n, "contract": "day", "assets": [
            {"kind": "load", "donor_kind": "household", "annual_kwh": 3000},
            {"kind": "pv", "peak_kw": 5, "tilt_deg": 30, "azimuth_deg": 180},
            {"kind": "battery", "capacity_kwh": 6, "power_kw": 3}]} for n in (0, 98)]},
]  # fmt: skip
"""Keys in which a file to be changed may differ."""


def resolved(schema: Json, whole: Json) -> Json:
    """A schema without a reference at its top."""
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def legal(schema: Json, whole: Json, name: str = "") -> st.SearchStrategy[Json]:
    """What a field may be, its ends more often than what lies between."""
    schema = resolved(schema, whole)
    if name in NAMES:
        return st.sampled_from(NAMES[name])
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return st.one_of([legal(one, whole) for one in schema[key]])
    kind = schema.get("type")
    if kind in ("number", "integer"):
        return _number(schema, name)
    if kind == "array":
        return _list(schema, whole)
    if kind == "object" and "properties" in schema:
        required = schema.get("required", [])
        parts = {key: legal(one, whole, key) for key, one in schema["properties"].items()}
        return st.fixed_dictionaries(
            {key: one for key, one in parts.items() if key in required},
            optional={key: one for key, one in parts.items() if key not in required},
        )
    return st.sampled_from(["x", "plain"]) if kind == "string" else st.none()


def _number(schema: Json, name: str) -> st.SearchStrategy[Json]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0.0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", 1e6))
    if schema["type"] == "integer":
        return st.one_of(st.sampled_from([low, high]), st.integers(low, high))
    between = st.floats(low, high, allow_nan=False, exclude_min="exclusiveMinimum" in schema)
    usual = (0.001, 0.02, 0.1, 0.25, 0.3, 0.5, 1.0, 2.5, 10.0, 60.0, 3000.0)
    drawn = st.one_of(
        st.sampled_from([low, high]),
        st.sampled_from([one for one in usual if low <= one <= high] or [low]),
        between,
        st.integers(0, 80).map(lambda power: low + (high - low) * 0.8**power),
    )
    # Prices on ticks, but for a few, or most files were refused for that alone.
    rounded = drawn.map(lambda value: max(round(value, 3), low))
    return st.one_of(rounded, rounded, rounded, drawn) if name.endswith("eur_per_kwh") else drawn


def _list(schema: Json, whole: Json) -> st.SearchStrategy[Json]:
    if "prefixItems" in schema:
        return st.tuples(*(legal(one, whole) for one in schema["prefixItems"])).map(list)
    items = legal(schema.get("items", {}), whole)
    return st.lists(items, min_size=schema.get("minItems", 0), max_size=3)


def places(content: Json, schema: Json, whole: Json) -> Iterator[tuple[tuple[Any, ...], Json]]:
    """Path and schema of every field of a file, those included that it leaves out."""
    schema = resolved(schema, whole)
    for key in ("anyOf", "oneOf"):
        for one in schema.get(key, []):
            below = resolved(one, whole)
            kind = below.get("properties", {}).get("kind", {}).get("const")
            if below.get("type") == "object" and kind in (None, (content or {}).get("kind")):
                yield from places(content or {}, below, whole)
    if schema.get("type") == "object" and "properties" in schema:
        for name, one in schema["properties"].items():
            yield (name,), one
            inside = content.get(name) if isinstance(content, dict) else None
            for path, deeper in places(inside, one, whole):
                yield (name, *path), deeper
    elif schema.get("type") == "object" and isinstance(content, dict):
        below = schema.get("additionalProperties")
        for name, inside in content.items() if isinstance(below, dict) else ():
            yield (name,), below
            for path, deeper in places(inside, below, whole):
                yield (name, *path), deeper
    elif schema.get("type") == "array" and isinstance(content, list):
        below = schema.get("prefixItems") or [schema.get("items", {})] * len(content)
        for number, (inside, one) in enumerate(zip(content, below, strict=True)):
            yield (number,), one
            for path, deeper in places(inside, one, whole):
                yield (number, *path), deeper


def fields_of(content: Json) -> list[tuple[tuple[Any, ...], Json, Json]]:
    """Path, schema and the schema that it refers to, of every field and device parameter."""
    found = [(path, one, SCHEMA) for path, one in places(content, SCHEMA, SCHEMA)]
    for i, member in enumerate(content["members"]):
        for j, device in enumerate(member["assets"]):
            schema = DEVICES[device["kind"]]
            found += [
                (("members", i, "assets", j, name), one, schema)
                for name, one in schema["properties"].items()
            ]
    return found


def put(content: Json, path: tuple[Any, ...], value: Json) -> None:
    """Set a value, with the sections around it where they are missing."""
    for part in path[:-1]:
        inside = content[part] if isinstance(content, list) else content.get(part)
        if inside is None:
            content[part] = inside = {}
        content = inside
    if isinstance(content, (dict, list)):
        content[path[-1]] = value


def devices(path: tuple[Any, ...]) -> bool:
    """Whether a path names members or devices as a whole, which the schema says little of."""
    place = path[0] == "members" and isinstance(path[-1], int)
    return place or path[-1] in ("members", "assets", "kind", "kinds")


def _mend(content: Json, path: tuple[Any, ...]) -> None:
    """What belongs together comes together: one donor, windows with hours, lengths in order."""
    if path[-1] in ("donor", "donor_kind"):
        device = content["members"][path[1]]["assets"][path[3]]
        device.pop("donor" if path[-1] == "donor_kind" else "donor_kind", None)
    if content.get("outages"):
        content["outages"] = {"windows": 1, "hours": [1.0, 3.0]} | content["outages"]
    for section in ("outages", "faults"):
        if "hours" in (content.get(section) or {}):
            content[section]["hours"] = sorted(content[section]["hours"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """The text of a scenario file: a small one with some fields changed, as legal or as wrong."""
    content = copy.deepcopy(SMALL | draw(st.sampled_from(VARIANTS)))
    chance_of_wrong = draw(st.sampled_from([0.0, 0.0, 0.3]))
    for _ in range(draw(st.integers(1, 6))):
        path, schema, whole = draw(st.sampled_from(fields_of(content)))
        if draw(st.floats(0.0, 1.0)) < chance_of_wrong:
            put(content, path, draw(st.sampled_from(WRONG)))
            break  # what was a section may be none now
        if not devices(path):
            put(content, path, draw(legal(schema, whole, str(path[-1]))))
            _mend(content, path)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


SIGNS: Final = ["", *"0159.-:,[]{}&*!'\"\t #%@etnN\u0663\x00"]
SHIPPED: Final = {
    name: (scenario_folder() / f"{name}.yaml").read_text(encoding="utf-8") for name in STORES
}


@st.composite
def spoiled_files(draw: st.DrawFn) -> str:
    """A shipped file of one day with letters or lines changed, doubled or lost."""
    name = draw(st.sampled_from(sorted(SHIPPED)))
    text = f"extends: {name}\nid: drawn-v0\ndays: 1\n"
    if draw(st.booleans()):
        text = SHIPPED[name].replace(f"id: {name}", "id: drawn-v0").replace("days: 7", "days: 1")
    for _ in range(draw(st.integers(1, 3))):
        lines = text.splitlines(keepends=True)
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                lines[place:place] = [lines[draw(st.integers(0, len(lines) - 1))]]
            case 1:
                del lines[place]
            case _:
                column = draw(st.integers(0, len(lines[place]) - 1))
                sign = draw(st.sampled_from(SIGNS))
                lines[place] = lines[place][:column] + sign + lines[place][column + 1 :]
        text = "".join(lines) or "x"
    return text
