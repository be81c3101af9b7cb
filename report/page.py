"""Write the page: what the template needs, as plain text and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from p2p_market.data.sources import is_own
from p2p_market.evaluation.benchmark import ScenarioResult, units_of, weeks_and_draws
from p2p_market.evaluation.players.held import why_held
from p2p_market.evaluation.statistics.bootstrap import few_weeks
from p2p_market.evaluation.tables.comparison import Difference, compare_within
from p2p_market.evaluation.tables.marks import NO_MARK, Legend, legends, nothing, unmarked
from p2p_market.evaluation.tables.overview import improvements, overview, shared_costs
from p2p_market.files import write_text
from p2p_market.registry import read_scenario, rule_of
from p2p_market.scenarios import known_ids
from p2p_market.track import OPTIMUM
from p2p_market.tracks import extra, track_of
from p2p_market.words import counted, episodes, per, period
from report import columns, roles, table
from report.days import day, day_of_year
from report.figures import Picture, gap_picture, score_picture
from report.money import cost_picture
from report.overall import (
    DIFFERENCE_COLUMNS,
    IMPROVEMENT_COLUMNS,
    difference_lines,
    improvement_lines,
    profile_picture,
)
from report.pages import Pages, Table, Why, pages_of

PAGE_NAME: Final = "report.html"
ANY_YEAR: Final = date(2018, 1, 1)  # of 365 days, for episodes that are of no year


@dataclass(frozen=True, slots=True)
class Against:
    """Paired differences of a scenario, ready for the template."""

    reference: str  # policy that the others are measured against
    columns: Sequence[tuple[str, str]]  # name and unit
    lines: list[table.Line]


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
    against: Against | None  # with fewer than two contestants
    certificate: str
    conduct: list[str]
    alarms: list[str]
    interventions: list[str] | None  # None: no track with a chapter on it, and none
    pictures: list[Picture]
    why: Why | None
    tables: Sequence[Table]
    others: list[Picture]
    beside: Mapping[str, str]  # further pages: what each is called -> name of its file
    data: str
    sources: Sequence[str]
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
    """Write `report.html`, one file that needs no other, and the pages that tracks add beside it.

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
        zero=" or ".join(dict.fromkeys(rule_of(result.scenario) for result in results)),
        guides=_guides(results),
        sections=[_section(result, folder) for result in results],
    )
    path = folder / PAGE_NAME
    write_text(path, page)
    return path


def _guides(results: Sequence[ScenarioResult]) -> list[Markup]:
    """What columns mean, once per track."""
    paths = dict.fromkeys(pages_of(result.scenario).guide for result in results)
    return [Markup(path.read_text(encoding="utf-8").rstrip()) for path in paths]


def _overall(results: Sequence[ScenarioResult]) -> Overall | None:
    """None for one scenario, if scenarios do not share their weeks, or are of several tracks."""
    if len({result.scenario.spec.track for result in results}) > 1:
        return None
    shared = shared_costs(results)
    if shared is None:
        return None
    card = track_of(results[0].scenario).CARD
    return Overall(
        lines=table.summary_lines(overview(results)),
        columns=table.SUMMARY_COLUMNS,
        reference=card.compared,
        improvement=improvement_lines(improvements(shared, card.compared)),
        improvement_columns=IMPROVEMENT_COLUMNS,
        pictures=[profile_picture(shared, card.rule)],
    )


def _section(result: ScenarioResult, folder: Path) -> Section:
    spec, shown = result.scenario.spec, columns.shown(result)
    pages, card = pages_of(result.scenario), track_of(result.scenario).CARD
    return Section(
        id=spec.id,
        title=spec.title,
        description=_description(spec),
        ends=_ends(result, pages),
        weeks=_weeks(result, pages.new_year),
        summary=_summary(result),
        groups=table.groups(shown),
        columns=shown,
        lines=table.lines(result, shown),
        against=_against(compare_within(result), per(spec.days)),
        certificate=_certificate(result),
        conduct=_conduct(result),
        alarms=_alarms(result),
        interventions=_interventions(result),
        pictures=[
            score_picture(result),
            cost_picture(result, pages),
            *([gap_picture(result, pages.gaps)] if card.gaps else []),
        ],
        why=None if pages.why is None else pages.why(result),
        tables=[*roles.tables(result), *pages.tables(result)],
        others=list(pages.pictures(result)),
        beside=pages.beside(result, folder),
        data=pages.data(result.scenario),
        sources=pages.sources(result.scenario),
        digests=f"scenario {result.scenario.digest}, data {result.scenario.data.digest}",
    )


def _description(spec: Any) -> str:
    """That of the file; not one that it took over from a scenario with other data."""
    text: str = getattr(spec, "description", "").strip()
    if _own_days(spec) and any(
        text == getattr(read_scenario(name), "description", "").strip() for name in known_ids()
    ):
        return ""
    return text


def _own_days(spec: Any) -> bool:
    """Whether a scenario plays data of the user's."""
    return any(is_own(str(getattr(spec, key, ""))) for key in ("data", "prices"))


def _against(found: Sequence[Difference], per_episode: str) -> Against | None:
    if not found:
        return None
    named = [(name, unit.replace("{per}", per_episode)) for name, unit in DIFFERENCE_COLUMNS]
    return Against(found[0].second, named, difference_lines(found))


def _ends(result: ScenarioResult, pages: Pages) -> str:
    low, high = (float(result.rows[end].social_cost_eur.mean()) for end in (0, -1))
    unit = f"EUR {per(result.scenario.spec.days)}"
    zero = f": {pages.zero}" if pages.zero else ""
    return (
        f"0 is the rule {rule_of(result.scenario)}{zero} ({table.amount(low, 2)} {unit}); "
        f"100 is {pages.hundred} "
        f"({table.amount(high, 2)} {unit}).{pages.ends(result)}"
    )


def _weeks(result: ScenarioResult, new_year: date | None) -> str:
    """Which episodes were played, and how far their intervals go."""
    keys = result.episode.keys
    starts = ", ".join(_start(day, new_year) for day in dict.fromkeys(k.start_day for k in keys))
    seeds = ", ".join(map(str, dict.fromkeys(key.seed for key in keys)))
    count, length = len(set(units_of(result.scenario, keys).tolist())), result.scenario.spec.days
    weeks, draws = weeks_and_draws(result.scenario, keys)
    year = "the year" if new_year is None else f"{new_year.year}"
    told = (
        f"{episodes(weeks, length, draws)} from the {keys[0].split} part of {year}, "
        f"seed{'s' if ',' in seeds else ''} {seeds}, starting {starts}."
    )
    if _own_days(result.scenario.spec):
        told += f" They are days of your file, put on the calendar of {year}."
    return " ".join(filter(None, [told, few_weeks(count)]))


def _start(number: int, new_year: date | None) -> str:
    """The first day of an episode."""
    if new_year is None:
        return day_of_year(ANY_YEAR + timedelta(days=number))
    return day(new_year + timedelta(days=number))


def _summary(result: ScenarioResult) -> str:
    rows, ends = result.played, (rule_of(result.scenario), OPTIMUM)
    between = [row for row in rows if row.policy not in ends and row.conduct.contends]
    if not between:
        return "no contestant between the ends" if len(rows) > 2 else "the two ends only"
    best = max(between, key=lambda row: row.score.point)
    return f"best between the ends: {best.policy}, {table.amount(best.score.point, 1)}"


def _certificate(result: ScenarioResult) -> str:
    proofs = result.certificates
    _, draws = weeks_and_draws(result.scenario, result.episode.keys)
    weeks = counted(len(proofs), period(result.scenario.spec.days, draws))
    replay = max(abs(proof.replay_eur - proof.plan_eur) for proof in proofs)
    bound = max(abs(proof.gap_eur) for proof in proofs)
    tightest = min(proof.tolerance_eur for proof in proofs)
    if any(proof.mixed_integer for proof in proofs):
        return (
            f"The optimum is mixed-integer: 100 is the bound that the solver proved, and the "
            f"schedules found cost up to {bound:.3f} EUR more. The certificate holds in "
            f"{sum(proof.holds for proof in proofs)} of {weeks}: played through the "
            f"engine, each costs what the solver says (largest |replay {table.MINUS} plan| "
            f"{replay:.1e} EUR)."
        )
    return (
        f"The optimum's certificate holds in {sum(proof.holds for proof in proofs)} of "
        f"{weeks}: played through the engine, its schedule costs what the solver "
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
    marked = [
        f"{_with_shares(one)}: {one.word} ({one.mark}); {one.meaning}."
        for one in legends(result.rows)
    ]
    sound = ", ".join(unmarked(result.rows))
    told = [*marked, f"{sound}: {NO_MARK}."] if sound else marked
    return [*told, *(f"{line}." for line in nothing(result))]


def _with_shares(one: Legend) -> str:
    if not one.shares:
        return ", ".join(one.policies)
    pairs = zip(one.policies, one.shares, strict=True)
    return ", ".join(f"{policy} ({share})" for policy, share in pairs)


def _interventions(result: ScenarioResult) -> list[str] | None:
    """What the supervisor did in each policy's episodes, by cause; None where that is no topic."""
    found = {name: why_held(result.scenario, one) for name, one in result.trajectories.items()}
    told = [f"{name}: {words}" for name, words in found.items() if words]
    return told or (None if extra(result.scenario, "held") is None else [])
