"""`p2p-market compare`: the same episodes under other rules, side by side."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
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
    week_numbers,
)
from p2p_market.commands.screen import Figures
from p2p_market.community import metrics
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.scenario.scenario import Scenario, build, load_scenario, scenario_ids
from p2p_market.errors import PolicyError
from p2p_market.evaluation.benchmark import RULE, TRUTHFUL
from p2p_market.evaluation.players.conduct import recorded_marks
from p2p_market.evaluation.players.policy import Policy, load_policy
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.rollout import rollout
from p2p_market.evaluation.statistics.bootstrap import Interval
from p2p_market.evaluation.tables.comparison import (
    Difference,
    Overall,
    compare_overall,
    compare_runs,
)
from p2p_market.files import write_text
from p2p_market.market import MECHANISMS
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory

HEADINGS: Final = (
    "IR",
    "budget",
    "truthful",
    "traded\nkWh",
    "cost\nEUR",
    "gap\nEUR",
    "price\n/kWh",
    "operator\nEUR",
    "worse\noff",
)

LEGEND: Final = (
    "Means per episode. IR: nobody trades worse than its order; budget: strong if the operator "
    "keeps nothing; cost: social cost; gap: what the best matching of the same net loads would "
    "save; price: EUR, mean by volume; worse off: members that pay more than alone with the grid."
)


class RunsByDefault(TyperGroup):
    """`compare RUN RUN` is `compare runs RUN RUN`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A first word that is no command is the folder of a run."""
        if args and self.get_command(ctx, args[0]) is None:
            args = ["runs", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=RunsByDefault,
    no_args_is_help=True,
    help="Two runs on the same episodes (compare RUN RUN), or rules of the market; no solver.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """The truthful rule under one mechanism; arrays are per episode."""

    mechanism: str
    traded_kwh: FloatArray  # (episode,)
    social_cost_eur: FloatArray  # (episode,)
    allocation_gap_eur: FloatArray  # (episode,)
    price_eur_per_kwh: FloatArray  # (episode,), nan when nothing was traded
    operator_balance_eur: FloatArray  # (episode,)
    worse_off_share: FloatArray  # (episode,)


@app.callback()
def _group() -> None:
    """Keep `mechanisms` a command of its own."""


@app.command(name="runs")
def two_runs(
    first: Annotated[Path, typer.Argument(help="Folder of a run, results/RUN.")],
    second: Annotated[Path, typer.Argument(help="Folder of another run.")],
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", "-p", help="FIRST=SECOND, or one name; repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the table as JSON.")
    ] = None,
) -> None:
    """Paired differences of two runs on the episodes that both have, first less second.

    Example: p2p-market compare results/RUN results/RUN -p mine:make=truthful
    """
    with complaining():
        pairs = [_pair(text) for text in policy or ()]
        records = read_run(first), read_run(second)
        found, overall = compare_runs(*records, pairs), compare_overall(*records, pairs)
        console.print(_differences(found))
        console.print(
            "First run less second, 95 % intervals by resampling weeks for both together. Cost: "
            "EUR per episode, below 0 the first is cheaper; score: above 0 the first is better."
        )
        for which, record in zip(("first", "second"), records, strict=True):
            for line in recorded_marks(record):
                console.print(f"{which} run: {line}", style="yellow")
        if overall:
            shared = overall[0]
            console.say(
                f"All {shared.scenarios} scenarios ({shared.episodes} weeks each)", "italic"
            )
            console.print(_overall_table(overall))
            console.print(
                "IQM: first less second, of the middle half of the scores of blocks of weeks; "
                "better: how often an episode of the first beats one of the second in the same "
                "scenario, ties one half; 50 % is no difference."
            )
        if output is not None:
            _write(output, found, overall)


def _pair(text: str) -> tuple[str, str]:
    first, _, second = text.partition("=")
    return first, second or first


def _write(path: Path, found: Sequence[Difference], overall: Sequence[Overall]) -> None:
    tables = {
        "scenarios": [asdict(one) for one in found],
        "all_scenarios": [asdict(one) for one in overall],
    }
    write_text(path, json.dumps(tables, indent=1, allow_nan=False) + "\n")


def _differences(found: Sequence[Difference]) -> Figures:
    """One row per scenario and pair of policies."""
    return Figures(
        ("scenario", "policies", "weeks", "cost EUR", "score"),
        [
            (
                one.scenario,
                _names(one),
                str(one.episodes),
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
    weeks: WeeksOption = "0-12",
    split: SplitOption = "test",
    seed: SeedOption = 0,
) -> None:
    """Play the truthful rule under every market mechanism on the same held-out weeks.

    Example: p2p-market compare mechanisms -s community-16-v0 --weeks 5,6
    """
    with complaining():
        chosen = [load_scenario(name) for name in scenario or scenario_ids()]
        numbers = week_numbers(weeks)
        for one in chosen:
            with progress_bar() as progress:
                task = progress.add_task(one.spec.id, total=one.steps * (1 + len(MECHANISMS)))
                advance = partial(progress.advance, task)
                rows = compare_mechanisms(one, split, numbers, seed, advance)
            _print_table(one, rows, len(numbers))
        console.print(LEGEND)


def compare_mechanisms(
    scenario: Scenario,
    split: str,
    weeks: Sequence[int],
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> tuple[Row, ...]:
    """Play the truthful rule under each of `MECHANISMS`, whatever the scenario names.

    Args:
        progress: called with the number of steps played since its last call.
    """
    keys = [choose_key(scenario, seed, split, week) for week in weeks]
    episode = stack([draw(scenario, key) for key in keys])

    def play(mechanism: str, policy: str) -> tuple[Scenario, Trajectory]:
        variant = build(scenario.spec.model_copy(update={"mechanism": mechanism}))
        loaded = load_policy(policy, variant)
        if not isinstance(loaded, Policy):
            raise PolicyError(f"{policy!r} is no policy that acts on observations")
        return variant, rollout(variant, episode, loaded, policy, progress=progress)

    _, grid_only = play(scenario.spec.mechanism, RULE)
    alone_eur = metrics.private_cost_eur(grid_only)
    rows = []
    for mechanism in MECHANISMS:
        variant, played = play(mechanism, TRUTHFUL)
        rows.append(
            Row(
                mechanism=mechanism,
                traded_kwh=metrics.traded_kwh(variant, episode, played),
                social_cost_eur=metrics.social_cost_eur(played),
                allocation_gap_eur=metrics.allocation_gap_eur(variant, episode, played),
                price_eur_per_kwh=metrics.mean_price_eur_per_kwh(played),
                operator_balance_eur=metrics.operator_balance_eur(played),
                worse_off_share=metrics.worse_off_share(
                    alone_eur, metrics.private_cost_eur(played)
                ),
            )
        )
    return tuple(rows)


def _print_table(scenario: Scenario, rows: Sequence[Row], episodes: int) -> None:
    """One row per mechanism: its laws, then what the truthful rule makes of it."""
    spec, cells = scenario.spec, []
    for row in rows:
        laws = MECHANISMS[row.mechanism]
        cells.append(
            (
                row.mechanism,
                "yes" if laws.individually_rational else "no",
                laws.budget_balance,
                "yes" if laws.truthful else "no",
                f"{row.traded_kwh.mean():.0f}",
                euro(row.social_cost_eur),
                euro(row.allocation_gap_eur),
                price_text(row.price_eur_per_kwh),
                euro(row.operator_balance_eur),
                f"{100.0 * row.worse_off_share.mean():.0f} %",
            )
        )
    console.say(f"{spec.id}: {TRUTHFUL} rule ({episodes} episodes of {spec.days} days)", "italic")
    console.print(Figures(("mechanism", *HEADINGS), cells))


def price_text(per_episode: FloatArray) -> str:
    """Mean over the episodes with trade, a dash if there is none."""
    traded = per_episode[~np.isnan(per_episode)]
    return f"{traded.mean():.3f}" if len(traded) else "-"
