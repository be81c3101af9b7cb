"""Write the page: what the template needs, as plain text and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from p2p_market.community.baselines import RULE, TRUTHFUL
from p2p_market.community.optimum.full_matching import FULL_MATCHING
from p2p_market.community.safety.held import held
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.schema import DynamicContract
from p2p_market.data.dataset import card
from p2p_market.evaluation.benchmark import Row, ScenarioResult
from p2p_market.evaluation.players.conduct import MARKS, marks, unmarked
from p2p_market.evaluation.tables.overview import improvements, overview, shared_costs
from p2p_market.files import write_text
from p2p_market.track import OPTIMUM
from report import table
from report.figures import Picture, gap_picture, score_picture
from report.losses import Why, why
from report.money import cost_picture, savings_picture
from report.overall import IMPROVEMENT_COLUMNS, improvement_lines, profile_picture
from report.week import NEW_YEAR, day, week_picture

PAGE_NAME: Final = "report.html"
FEW_WEEKS: Final = 10  # a bootstrap over fewer gives intervals that are too narrow

SHARED_ARRAYS: Final = (
    "day_ahead_eur_per_mwh",
    "co2_g_per_kwh",
    "solar_clearness",
    "feeder_parent",
)
"""Arrays of the data card that every community's episode is drawn from, beside its donors."""


@dataclass(frozen=True, slots=True)
class Section:
    """One scenario, ready for the template."""

    id: str
    title: str
    description: str
    ends: str
    weeks: str
    summary: str  # for the list of contents
    groups: list[tuple[str, int]]
    columns: Sequence[table.Column]
    lines: list[table.Line]
    certificate: str
    conduct: list[str]
    alarms: list[str]
    interventions: list[str]
    pictures: list[Picture]
    why: Why
    others: list[Picture]
    data: str
    sources: list[str]
    digests: str


@dataclass(frozen=True, slots=True)
class Overall:
    """What is said over all scenarios, ready for the template."""

    lines: list[table.Line]
    columns: Sequence[str]
    reference: str  # the best rule
    improvement: list[table.Line]  # of the others over it; empty if it did not play
    improvement_columns: Sequence[tuple[str, str]]  # name and unit
    pictures: list[Picture]


def write(results: Sequence[ScenarioResult], folder: Path, title: str) -> Path:
    """Write `report.html`, one file that needs no other.

    Args:
        results: one per scenario.
        folder: is created.
        title: heading of the page.

    Returns:
        Path of the page.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).resolve().parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("template.html")
    page = template.render(
        title=title,
        overall=_overall(results),
        sections=[_section(result) for result in results],
    )
    path = folder / PAGE_NAME
    write_text(path, page)
    return path


def _overall(results: Sequence[ScenarioResult]) -> Overall | None:
    """None for one scenario, or if scenarios do not share their weeks."""
    shared = shared_costs(results)
    if shared is None:
        return None
    return Overall(
        lines=table.summary_lines(overview(results)),
        columns=table.SUMMARY_COLUMNS,
        reference=TRUTHFUL,
        improvement=improvement_lines(improvements(shared, TRUTHFUL)),
        improvement_columns=IMPROVEMENT_COLUMNS,
        pictures=[profile_picture(shared)],
    )


def _section(result: ScenarioResult) -> Section:
    spec, shown = result.scenario.spec, table.columns(result)
    return Section(
        id=spec.id,
        title=spec.title,
        description=spec.description.strip(),
        ends=_ends(result),
        weeks=_weeks(result),
        summary=_summary(result.played),
        groups=table.groups(shown),
        columns=shown,
        lines=table.lines(result),
        certificate=_certificate(result),
        conduct=_conduct(result),
        alarms=_alarms(result),
        interventions=_interventions(result),
        pictures=[
            score_picture(result),
            cost_picture(result),
            gap_picture(result),
        ],
        why=why(result),
        others=[savings_picture(result), week_picture(result)],
        data=_data_labels(result.scenario),
        sources=_sources(result.scenario),
        digests=f"scenario {result.scenario.digest}, data {result.scenario.data.digest}",
    )


def _ends(result: ScenarioResult) -> str:
    low, high = (float(result.rows[end].social_cost_eur.sum()) for end in (0, -1))
    mechanism = result.scenario.spec.mechanism
    matched = (
        f" The mechanism is {mechanism}; the optimum trades under {FULL_MATCHING}, which matches "
        "all volume."
    )
    return (
        f"0 means that nobody trades and every member runs the self-consumption rule "
        f"({table.amount(low, 2)} EUR); 100 means the perfect-foresight optimum of the same "
        f"community, weather and devices ({table.amount(high, 2)} EUR)."
        + (matched if mechanism != FULL_MATCHING else "")
    )


def _weeks(result: ScenarioResult) -> str:
    """Which episodes were played, and how far their intervals go."""
    keys = result.episode.keys
    starts = ", ".join(day(NEW_YEAR + timedelta(days=key.start_day)) for key in keys)
    count, length = len(keys), result.scenario.spec.days
    told = (
        f"{count} episode{'s' if count > 1 else ''} of {length} days from the {keys[0].split} part "
        f"of {NEW_YEAR.year}, seed {keys[0].seed}, starting {starts}."
    )
    few = f" So few weeks ({count}) make the intervals too narrow; take them as a hint."
    return told + (few if 1 < count < FEW_WEEKS else "")


def _summary(rows: Sequence[Row]) -> str:
    between = [row for row in rows if row.policy not in (RULE, OPTIMUM) and row.conduct.contends]
    if not between:
        return "no contestant between the ends" if len(rows) > 2 else "the two ends only"
    best = max(between, key=lambda row: row.score.point)
    return f"best between the ends: {best.policy}, {table.amount(best.score.point, 1)}"


def _certificate(result: ScenarioResult) -> str:
    proofs = result.certificates
    replay = max(abs(proof.replay_eur - proof.plan_eur) for proof in proofs)
    bound = max(abs(proof.gap_eur) for proof in proofs)
    tightest = min(proof.tolerance_eur for proof in proofs)
    if any(proof.mixed_integer for proof in proofs):
        return (
            f"The optimum is mixed-integer: 100 is the bound that the solver proved, and the "
            f"schedules found cost up to {bound:.3f} EUR more. The certificate holds in "
            f"{sum(proof.holds for proof in proofs)} of {len(proofs)} episodes: played through "
            f"the engine, each costs what the solver says (largest |replay {table.MINUS} plan| "
            f"{replay:.1e} EUR)."
        )
    return (
        f"The optimum's certificate holds in {sum(proof.holds for proof in proofs)} of "
        f"{len(proofs)} episodes: played through the engine, its schedule costs what the solver "
        f"says (largest |replay {table.MINUS} plan| {replay:.1e} EUR), and arithmetic on "
        f"its dual prices, without a solver, shows that nothing costs less (largest "
        f"|plan {table.MINUS} bound| {bound:.1e} EUR; allowed {tightest:.1e} EUR or more)."
    )


def _alarms(result: ScenarioResult) -> list[str]:
    """What must not happen; a page with an alarm is not to be cited."""
    failed = [
        f"{key}: {proof}"
        for key, proof in zip(result.episode.keys, result.certificates, strict=True)
        if not proof.holds
    ]
    leaks = [
        f"{policy} costs less than the bound: engine or optimum is wrong."
        for policy in result.above_optimum
    ]
    broken = [str(row.conduct.failure) for row in result.rows if row.conduct.failure is not None]
    return [*(f"The certificate fails. {text}" for text in failed), *leaks, *broken]


def _conduct(result: ScenarioResult) -> list[str]:
    """How the policies behave, mark by mark; who has none."""
    rows = [row for row in result.rows if row.policy != OPTIMUM]
    marked = [
        f"{', '.join(found)}: {word} ({mark}); {meaning}."
        for mark, (word, meaning) in MARKS.items()
        if (found := [row.policy for row in rows if mark in marks(row.conduct)])
    ]
    sound = ", ".join(row.policy for row in rows if unmarked(row.conduct))
    return [*marked, f"{sound}: decentralised, checked, and reproducible."] if sound else marked


def _interventions(result: ScenarioResult) -> list[str]:
    """What the supervisor did in each policy's episodes, by cause."""
    found = {name: held(result.scenario, one) for name, one in result.trajectories.items()}
    return [f"{name}: {words}" for name, words in found.items() if words]


def _donor_labels(scenario: Scenario) -> list[str]:
    """Measured or simulated: what the days of the members' donors are."""
    places = {i for pools in scenario.donor_pools for pool in pools.values() for i in pool}
    return sorted({scenario.data.donors[place].label for place in places})


def _data_labels(scenario: Scenario) -> str:
    """Measured, resampled, simulated or synthetic: for each series of the episodes."""
    dynamic = [isinstance(c, DynamicContract) for c in scenario.spec.contracts.values()]
    arrays = card(scenario.data.name)["arrays"]
    label = {name: arrays[name]["label"] for name in SHARED_ARRAYS}
    day_ahead = f"{label['day_ahead_eur_per_mwh']} day-ahead price plus assumed margins"
    prices = day_ahead if any(dynamic) else "assumed tariffs"
    sun = f"synthetic sky on {label['solar_clearness']} clearness"
    return (
        f"Loads: resampled from {' and '.join(_donor_labels(scenario))} donor days. Retail prices: "
        f"{prices}. CO2 intensity: {label['co2_g_per_kwh']}. "
        f"PV: {sun if np.any(scenario.roof_kw > 0.0) else 'none'}. "
        "Devices and places on the feeder: assumed."
    )


def _sources(scenario: Scenario) -> list[str]:
    """Attribution and licence of each source, once."""
    arrays = card(scenario.data.name)["arrays"]
    donors = [f"donor_{label}_shape" for label in _donor_labels(scenario)]
    used = [arrays[name] for name in (*donors, *SHARED_ARRAYS)]
    return list(dict.fromkeys(f"{array['attribution']} ({array['licence']})" for array in used))
