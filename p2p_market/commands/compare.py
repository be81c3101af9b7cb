"""`p2p-market compare`: the same episodes, policies of runs or all market rules side by side."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from p2p_market.commands.console import (
    ScenarioOption,
    SeedOption,
    SplitOption,
    WeeksOption,
    complaining,
    console,
    euro,
    progress_bar,
    weeks_of,
)
from p2p_market.commands.screen import Figures
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.players.conduct import recorded_marks
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.statistics.bootstrap import Interval, few_weeks
from p2p_market.evaluation.tables.comparison import (
    Difference,
    Overall,
    compare_overall,
    compare_runs,
)
from p2p_market.files import write_text
from p2p_market.loading import import_ours
from p2p_market.registry import load_scenario
from p2p_market.scenarios import scenario_ids
from p2p_market.track import AnyScenario
from p2p_market.tracks import extra, track_of


class RunsByDefault(TyperGroup):
    """`compare RUN` is `compare runs RUN`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A first word that is not a command is the folder of a run."""
        if args and self.get_command(ctx, args[0]) is None:
            args = ["runs", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=RunsByDefault,
    no_args_is_help=True,
    help=(
        "Compare the policies of one run (compare RUN), or two runs on the same weeks (compare RUN "
        "RUN), with --policy FIRST=SECOND for certain pairs and --output FILE (see compare runs "
        "--help); or the market rules. Needs no solver."
    ),
)


@app.callback()
def _group() -> None:
    """Keep `mechanisms` a command of its own."""


@app.command(name="runs")
def of_runs(
    first: Annotated[Path, typer.Argument(help="Folder of a run, results/RUN.")],
    second: Annotated[
        Path | None, typer.Argument(help="Folder of another run. Default: the same run.")
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", "-p", help="FIRST=SECOND, or one name; repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the table as JSON.")
    ] = None,
) -> None:
    """Paired differences of policies on the same weeks, first less second.

    Of two runs, the policies of the same name on the weeks that both have; of one run, each policy
    less the rule that others are measured against, or less the first one where it did not play.

    Example: p2p-market compare results/RUN -p mine:make=storage-value
    """
    with complaining():
        record, other = read_run(first), None
        if second is not None and second.resolve() != first.resolve():
            other = read_run(second)
        names = _policies(record), _policies(other or record)
        pairs = [_pair(text, *names) for text in policy or ()]
        found, overall = compare_runs(record, other, pairs), compare_overall(record, other, pairs)
        console.print(_differences(found))
        console.print(
            "First less second, 95 % intervals by resampling weeks for both together. Cost: EUR a "
            "week, below 0 the first is cheaper; score: above 0 the first is better."
        )
        if few := few_weeks(min(one.weeks for one in found)):
            console.print(few)
        _print_marks(record, other, found)
        if overall:
            shared = overall[0]
            console.say(f"All {shared.scenarios} scenarios ({shared.weeks} weeks each)", "italic")
            console.print(_overall_table(overall))
            console.print(
                "IQM: first less second, of the middle half of the scores of blocks of weeks; "
                "better: how often a week of the first beats one of the second in the same "
                "scenario, ties one half; 50 % is no difference."
            )
        if output is not None:
            _write(output, found, overall)


def _print_marks(
    first: Mapping[str, Any], second: Mapping[str, Any] | None, found: Sequence[Difference]
) -> None:
    """What is to be known of the policies that were compared."""
    firsts, seconds = {one.first for one in found}, {one.second for one in found}
    compared = [("the run", first, firsts | seconds)]
    if second is not None:
        compared = [("first run", first, firsts), ("second run", second, seconds)]
    for which, record, names in compared:
        for line in recorded_marks(record, names):
            console.print(f"{which}: {line}", style="yellow")


def _policies(record: Mapping[str, Any]) -> set[str]:
    return {one["policy"] for entry in record["scenarios"] for one in entry["policies"]}


def _pair(text: str, first: set[str], second: set[str]) -> tuple[str, str]:
    """The two names, in which there may be a `=` too, as in ROLE=POLICY."""
    parts = text.split("=")
    cuts = [("=".join(parts[:n]), "=".join(parts[n:])) for n in range(1, len(parts))]
    known = [(one, other) for one, other in cuts if one in first and other in second]
    if text in first or text in second or not cuts:
        known.append((text, text))
    return (known or cuts)[0]


def _write(path: Path, found: Sequence[Difference], overall: Sequence[Overall]) -> None:
    tables = {
        "scenarios": [asdict(one) for one in found],
        "all_scenarios": [asdict(one) for one in overall],
    }
    write_text(path, json.dumps(tables, indent=1, allow_nan=False) + "\n")


def _differences(found: Sequence[Difference]) -> Figures:
    """One row per scenario and pair of policies."""
    return Figures(
        ("scenario", "policies", "weeks", "EUR a week", "score"),
        [
            (
                one.scenario,
                _names(one),
                str(one.weeks),
                _signed(one.cost_eur, 2),
                _signed(one.score, 1),
            )
            for one in found
        ],
        keys=2,
        names=(0, 1),
    )


def _overall_table(found: Sequence[Overall]) -> Figures:
    """One row per pair of policies."""
    rows = []
    for one in found:
        low, point, high = (
            f"{100.0 * value:.0f} %"
            for value in (one.probability.low, one.probability.point, one.probability.high)
        )
        rows.append((_names(one), _signed(one.iqm, 1), f"{point}\n{low}..{high}"))
    return Figures(("policies", "IQM", "better"), rows)


def _names(pair: Difference | Overall) -> str:
    return pair.first if pair.first == pair.second else f"{pair.first} - {pair.second}"


def _signed(found: Interval, digits: int) -> str:
    """A difference with its interval below."""
    point, low, high = (f"{end:+.{digits}f}" for end in (found.point, found.low, found.high))
    return f"{point}\n{low}..{high}"


@app.command()
def mechanisms(
    scenario: ScenarioOption = None,
    weeks: WeeksOption = "",
    split: SplitOption = "test",
    seed: SeedOption = 0,
) -> None:
    """Play the truthful rule under every market mechanism on the same held-out weeks.

    Example: p2p-market compare mechanisms -s community-16-v0 --weeks 5,6
    """
    with complaining():
        chosen = [load_scenario(name) for name in scenario or scenario_ids()]
        compared = [one for one in chosen if extra(one, "mechanisms") is not None]
        if not compared:
            ids = ", ".join(one.spec.id for one in chosen)
            raise ScenarioError(f"{ids}: no market in which mechanisms can be compared")
        for one in compared:
            module = import_ours(extra(one, "mechanisms").__module__)
            with progress_bar() as progress:
                task = progress.add_task(one.spec.id, total=one.steps * module.PLAYS)
                advance = partial(progress.advance, task)
                rows = compare_mechanisms(one, split, weeks_of(one, split, weeks), seed, advance)
            _print_table(one, module, rows)
        console.print(module.LEGEND)


def compare_mechanisms(
    scenario: AnyScenario,
    split: str,
    weeks: Sequence[int],
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> tuple[Any, ...]:
    """Play the truthful rule under each mechanism, whatever the scenario names.

    Args:
        progress: called with the number of steps played since its last call.

    Returns:
        Rows as in `p2p_market.community.mechanisms`.
    """
    episode = track_of(scenario).stack(draw_weeks(scenario, split, weeks, seed))
    rows: tuple[Any, ...] = extra(scenario, "mechanisms")(
        scenario, episode, partial(play, progress=progress)
    )
    return rows


def _print_table(scenario: AnyScenario, module: Any, rows: Sequence[Any]) -> None:
    """One row per mechanism: its laws, then what the truthful rule makes of it."""
    console.say(f"{scenario.spec.id}: {module.title(rows)}", "italic")
    cells = [
        tuple(cell if isinstance(cell, str) else euro(cell) for cell in row.cells) for row in rows
    ]
    console.print(Figures(module.HEADINGS, cells))
