"""Cards of environment, scenarios, mechanisms, assets and baselines, written from the code itself.

    python -m tools.build_cards

fills `docs/cards/`. `ASSETS`, `MECHANISMS`, the baselines of all tracks, the scenario folder and
the environment's own tables are walked, so whatever is added there gets its card; a test keeps the
pages in step.
"""

import importlib
import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter

from p2p_market.assets import ASSETS, MEASURED
from p2p_market.assets.drivers.panel import best_tilt_deg
from p2p_market.community.envs.env import INFO_KEYS, CommunityEnv
from p2p_market.community.meanings import meaning
from p2p_market.community.metrics import METRICS
from p2p_market.community.records import LEDGER_ENTRIES, SUPERVISOR_CAUSES
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data import system, weather
from p2p_market.data.dataset import card
from p2p_market.market import MECHANISMS
from p2p_market.registry import load_scenario, of_default_track
from p2p_market.track import OPTIMUM, Feature
from p2p_market.tracks import TRACKS, track

FOLDER: Final = Path(__file__).parent.parent / "docs" / "cards"
EXAMPLE: Final = "community-16-v0"
STORES: Final = ("load", "pv", "battery", "electric_vehicle")
NOTE: Final = "<!-- Written by `python -m tools.build_cards`; change the code, not this page. -->"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def page(title: str, *parts: str) -> str:
    """A page out of paragraphs and tables."""
    return "\n\n".join([f"# {title}", NOTE, *parts]) + "\n"


def text_of(thing: object) -> str:
    """The docstring, without its code's line breaks inside paragraphs."""
    return inspect.getdoc(thing) or ""


def environment() -> str:
    """Action, observation, joint state, infos, ledger, metrics."""
    env = CommunityEnv(load_scenario(EXAMPLE))
    ledger = [[f"`{name}`", "EUR, positive when paid"] for name in LEDGER_ENTRIES]
    own = [[f"`{name}`", m.unit, m.better or "neither"] for name, m in METRICS.items()]
    return page(
        "Environment card",
        "What an agent of a community sees, answers and is paid, number by number, with units and "
        "ranges. [Step the environment](../environment.md) shows how to play it; batteries have "
        "[their own](../tracks/battery.md#observation).",
        text_of(CommunityEnv),
        f"## Observation of `{EXAMPLE}`",
        "One row per number. The first five are repeated for each flexible asset of the member "
        "that has most; scenarios with outages add `grid` at the end. Ranges are the scenario's. "
        "Formulas and roundings: [what an agent sees](../rebuild.md#5-what-an-agent-sees).",
        _features(env.feature_table),
        f"## Joint state of `{EXAMPLE}`",
        "For critics. The last three are repeated for each agent.",
        _features(env.state_feature_table[: -3 * (len(env.possible_agents) - 1)], joint=True),
        "## Infos",
        'Keys of `infos[agent]` with `info="full"`: '
        + ", ".join(f"`{key}`" for key in INFO_KEYS)
        + ". By default `supervisor` only.",
        "`supervisor` is one of " + ", ".join(f"`{cause}`" for cause in SUPERVISOR_CAUSES) + ".",
        "## Ledger",
        "Columns of `ledger_eur`, as in `env.ledger_entries`.",
        table(["entry", "unit"], ledger),
        "## Metrics of a run",
        "Beside score and social cost, per episode.",
        table(["metric", "unit", "better"], own),
    )


def _features(features: Sequence[Feature], joint: bool = False) -> str:
    rows = [
        [
            *(number, f"`{one.name}`", one.unit, f"{one.low:.6g}", f"{one.high:.6g}"),
            meaning(one.name, joint),
        ]
        for number, one in enumerate(features)
    ]
    return table(["index", "name", "unit", "min", "max", "meaning"], rows)


def scenarios() -> str:
    """One section per scenario file."""
    parts = []
    for name in of_default_track():
        scenario = load_scenario(name)
        parts += [
            f"## `{name}`: {scenario.spec.title}",
            scenario.spec.description.strip(),
            table(["what", "is"], list(_scenario_rows(scenario))),
        ]
    about = (
        "What each shipped community fixes: members, devices, contracts, grid and data. "
        "[Scenarios](../scenarios.md) says in a line what each is for; batteries are in "
        "[the card of their track](../tracks/battery.md#scenarios)."
    )
    return page("Scenario cards", about, *parts)


def _scenario_rows(scenario: Scenario) -> Iterator[tuple[str, str]]:
    spec, nodes = scenario.spec, scenario.nodes
    vehicles = int((nodes.target_kwh > 0.0).sum())
    owned = [asset for member in spec.members for asset in member.assets]
    batteries = [asset for asset in owned if asset["kind"] == "battery"]
    held_kwh = sum(one["capacity_kwh"] * one.get("soh", 1.0) for one in batteries)
    machines = Counter(one["kind"] for one in owned if one["kind"] not in STORES)
    roofs = [roof for roof in scenario.roofs if roof is not None]
    minutes = round(60 * spec.dt_h)
    yield "episode", f"{spec.days} days in {scenario.steps} steps of {minutes} minutes"
    yield "members", str(len(scenario.agents))
    together_kw = sum(roof.scale_kw for roof in roofs)
    yield "roofs", f"{len(roofs)}, together {together_kw:.0f} kW AC"
    if roofs:
        yield (
            "best tilt to the south",
            f"{_best_tilt_deg(scenario)} degrees, by the light of a year",
        )
    yield "batteries", f"{len(batteries)}, together {held_kwh:.0f} kWh"
    yield "electric vehicles", str(vehicles)
    if machines:
        yield "machines", ", ".join(f"{machines[kind]} `{kind}`" for kind in sorted(machines))
    yield "contracts", ", ".join(f"{key} ({one.kind})" for key, one in spec.contracts.items())
    yield (
        "mechanism",
        f"`{spec.mechanism}`, k = {spec.k:g}, tick {spec.tick_eur_per_kwh:g} EUR/kWh",
    )
    fee = scenario.network_fee_eur_per_kwh
    yield (
        "network fees",
        f"{spec.fees.level}: {fee.min():.3f} to {fee.max():.3f} EUR/kWh from each side",
    )
    yield "line losses", f"{100.0 * spec.fees.loss_share:.0f} % of traded energy"
    yield "feeder", f"{spec.feeder.limit_kw:g} kW, {spec.feeder.mode}"
    if (given := spec.voltage) is not None:
        band = f"{given.band_pu[0]:g} to {given.band_pu[1]:g} pu"
        reactive = f"reactive power: {given.reactive}"
        price = f"{given.eur_per_pu_h:g} EUR per pu and hour"
        yield "voltage", f"{given.mode}, band {band}, {price}, {reactive}"
    outages = spec.outages
    yield (
        "outages",
        (
            "none"
            if outages is None
            else f"{outages.windows} per episode of {outages.hours[0]:g} to {outages.hours[1]:g} h"
        ),
    )
    if (agreed := spec.coordination) is not None:
        what = f"{', '.join(agreed.columns)}; contracts by {agreed.settled}"
        yield "agreements", f"{what}; credit {agreed.credit_eur:g} EUR"
    yield "optimum", spec.optimum
    yield "data", f"`{spec.data}`" + (f", prices of `{spec.prices}`" if spec.prices else "")
    yield "loads", _labels(scenario)
    yield "donors in test weeks", "unseen" if spec.donors == "held_out" else "as in training"


def _best_tilt_deg(scenario: Scenario) -> int:
    data, site = scenario.data, scenario.spec.site
    return best_tilt_deg(
        site.latitude_deg, site.longitude_deg, data.solar_clearness, utc_offset_h=data.utc_offset_h
    )


def _labels(scenario: Scenario) -> str:
    """How many members follow which kind of shape."""
    labels = [
        "/".join(sorted({scenario.data.donors[i].label for pool in own.values() for i in pool}))
        for own in scenario.donor_pools
    ]
    return ", ".join(f"{labels.count(label)} {label}" for label in sorted(set(labels)))


def mechanisms() -> str:
    """One section per rule, with the laws that tests hold it to."""
    laws = table(
        ["mechanism", "individually rational", "budget balance", "truthful", "matches all volume"],
        [
            [
                f"`{name}`",
                "yes" if one.individually_rational else "no",
                one.budget_balance,
                "yes" if one.truthful else "no",
                "yes" if one.matches_all_volume else "no",
            ]
            for name, one in MECHANISMS.items()
        ],
    )
    parts = [
        part
        for name, one in MECHANISMS.items()
        for part in (f"## `{name}`", text_of(sys.modules[one.clear.__module__]))
    ]
    about = (
        "The market rules that a scenario of `community` can name. Tests hold each to the laws "
        "that it declares; [write your own](../write-your-own-mechanism.md) shows how one is added."
    )
    return page("Mechanism cards", about, laws, *parts)


def assets() -> str:
    """One section per kind, parameters with range and default."""
    parts = []
    for title, kinds in (("## `{}`", ASSETS), ("## `{}` with a column", MEASURED)):
        for kind, function in kinds.items():
            summary, meaning = _arguments(function)
            own = importlib.import_module(inspect.unwrap(function).__module__)
            parts += [title.format(kind), text_of(own), summary, _parameters(function, meaning)]
    return page(
        "Asset cards",
        "The devices that a scenario of `community` can name: an asset in its file is a kind and "
        "these parameters. Every device is a power node, an energy level and a signed AC power "
        "([specification](../specification.md#assets)).",
        *parts,
    )


def _parameters(function: Callable[..., Any], meaning: dict[str, str]) -> str:
    bare = inspect.unwrap(function)
    hints = get_type_hints(bare, include_extras=True)
    rows = []
    for name, parameter in inspect.signature(bare).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        default = "required" if required else f"{parameter.default}"
        rows.append([f"`{name}`", _range(hints[name]), default, meaning.get(name, "")])
    return table(["parameter", "range", "default", "meaning"], rows)


def _range(hint: Any) -> str:
    """Allowed values of a parameter, out of its type."""
    schema = TypeAdapter(hint).json_schema()
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    left = f"> {above:g}" if above is not None else f">= {low:g}" if low is not None else ""
    right = f"< {below:g}" if below is not None else f"<= {high:g}" if high is not None else ""
    return ", ".join(part for part in (left, right) if part) or "text"


def _arguments(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Summary of a docstring, and its Args by name."""
    text = text_of(inspect.unwrap(function))
    summary, _, rest = text.partition("Args:")
    found = re.findall(r"^ +(\w+): (.*(?:\n {8,}.*)*)", rest, flags=re.MULTILINE)
    return summary.strip(), {name: " ".join(meaning.split()) for name, meaning in found}


def baselines() -> str:
    """One section per track, with one per policy."""
    parts = []
    for name in TRACKS:
        own = track(name).CARD
        targets = {one: next(iter(b.targets.values())) for one, b in own.baselines.items()}
        targets[OPTIMUM] = own.extras["optimum"]
        parts += [f"## Track `{name}`", *_policies(targets)]
    about = (
        "Every policy that is shipped, by the name that `-p` takes: rules, bidders, planners and "
        "the optimum of each track. [Results](../results.md) has their scores beside those of "
        "trained networks."
    )
    return page("Baseline cards", about, *parts)


def _policies(targets: Mapping[str, str]) -> Iterator[str]:
    """Heading and paragraphs of each policy, by its name; what its module says, once."""
    said = set()
    for name, target in targets.items():
        module, _, factory = target.partition(":")
        found = getattr(importlib.import_module(module), factory)
        yield f"### `{name}`"
        yield f"`{target}`. {_arguments(found)[0]}"
        if module not in said:
            yield text_of(importlib.import_module(module))
        said.add(module)


def data() -> str:
    """The embedded data sets: their arrays with label and source."""
    return page(
        "Data card of `de2018`",
        "Every array of the data sets that are shipped, with label, unit and source. "
        "[Data](../data.md) says how they were made, and which other sets there are.",
        _arrays(card("de2018")),
        f"## `{weather.SET}`",
        text_of(weather),
        _arrays(weather.card()),
        "## Series of the weather",
        "By name, as `p2p_market.data.weather.load(name).of(series)` gives them.",
        table(
            ["series", "label"], [[f"`{name}`", label] for name, label in weather.LABELS.items()]
        ),
        f"## `{system.SET}`",
        text_of(system),
        _arrays(system.card()),
    )


def _arrays(described: Mapping[str, Any]) -> str:
    rows = [
        [f"`{name}`", one.get("label", ""), one.get("unit", ""), one.get("source", "")]
        for name, one in sorted(described["arrays"].items())
    ]
    return table(["array", "label", "unit", "source"], rows)


PAGES: Final[dict[str, Callable[[], str]]] = {
    "environment": environment,
    "scenarios": scenarios,
    "mechanisms": mechanisms,
    "assets": assets,
    "baselines": baselines,
    "data": data,
}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        (FOLDER / f"{name}.md").write_text(write(), encoding="utf-8")


if __name__ == "__main__":
    main()
