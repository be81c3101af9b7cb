"""`p2p-market focal`: what one member saves with a policy while all others stay the same."""

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from p2p_market.commands.console import (
    ScenarioOption,
    SeedOption,
    SplitOption,
    WeeksOption,
    check_names,
    complaining,
    console,
    progress_bar,
    weeks_of,
)
from p2p_market.commands.screen import Figures
from p2p_market.evaluation.benchmark import weeks_and_draws
from p2p_market.evaluation.focal.focal import FocalResult, units_of_work
from p2p_market.evaluation.focal.focal import focal as play_focal
from p2p_market.evaluation.focal.summary import best_response, by_role, focal_record, summarise
from p2p_market.evaluation.players.failure import FailedPolicyError
from p2p_market.evaluation.players.names import is_ours
from p2p_market.evaluation.running.first_try import first_tries
from p2p_market.evaluation.running.part_store import installation
from p2p_market.evaluation.running.processes import processors
from p2p_market.evaluation.statistics.bootstrap import Interval
from p2p_market.files import check_writable, new_file, safe_name
from p2p_market.registry import load_scenario, of_default_track, rule_of
from p2p_market.track import AnyScenario
from p2p_market.words import episodes

BEST: Final = "best response, at least"
STARTS_OVER: Final = "nothing of this scenario was kept, the same command starts it again"

SEVERAL: Final = (
    "EUR a week, mean over the seats of a role; each agent is in focus once, and all others play "
    "bots of one population, drawn per week.\n"
    "saving: what the agent pays where all play {rule}, less what it pays with the policy\n"
    "gain: the same against its own cost with {compared}, among the same bots\n"
    "short: how much more the best policy here saves on each seat, chosen in hindsight\n"
    "others: what all other agents together gain when the agent plays this policy and not "
    "{compared}\n"
    "best response, at least: mean of the best savings of each seat of the role"
)
"""Of a track with several roles."""

LEGEND: Final = (
    "EUR a week, mean over all seats; each member is in focus once, and all others play bots of "
    "one population, drawn per week.\n"
    "saving: what the member pays where all play {rule}, less what it pays with the policy\n"
    "short: how much more the best policy here saves on each seat, chosen in hindsight\n"
    "others: what all other members together gain when the member plays this policy and not "
    "{compared}\n"
    "best response, at least: mean of the best savings of each seat"
)


def focal(
    policy: Annotated[
        list[str],
        typer.Option("--policy", "-p", help="Baseline, MODULE:FACTORY or FILE.onnx; repeatable."),
    ],
    scenario: ScenarioOption = None,
    weeks: WeeksOption = "",
    split: SplitOption = "test",
    seed: SeedOption = 0,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder in which a JSON file is written.")
    ] = Path("results"),
    workers: Annotated[
        int,
        typer.Option("--workers", "-w", min=0, help="Processes; 0: one per processor."),
    ] = 0,
) -> None:
    """Play policies on one seat after the other, among a frozen background population.

    A policy that fails ends the command (exit code 2), and nothing of its scenario is kept.

    Without -s it plays all shipped scenarios, without --weeks all weeks. The baselines that plan
    nothing play each seat too. The private saving of the seat is money, not a score. Example:
    p2p-market focal -s classic-v0 -p zip --weeks 5,6
    """
    with complaining(after_interruption=STARTS_OVER):
        check_names(policy)
        chosen = [load_scenario(name) for name in scenario or of_default_track()]
        asked = [weeks_of(one, split, weeks) for one in chosen]
        for outcomes in first_tries(chosen, policy, split).values():
            for failure in filter(None, outcomes):
                raise FailedPolicyError(failure)
        check_writable(output)
        legends: dict[str, None] = {}
        for one, own in zip(chosen, asked, strict=True):
            with complaining(1, STARTS_OVER):
                result = _play(one, policy, split, own, seed, workers or processors())
                path = _write(result, output)
            with complaining(1, f"the record is complete: {path}"):
                _print_table(result)
                console.say(f"record: {path}")
            legend = SEVERAL if result.several else LEGEND
            legends[legend.format(rule=rule_of(one), compared=result.compared)] = None
        for legend in legends:
            console.print(legend)


def _play(
    scenario: AnyScenario,
    policies: Sequence[str],
    split: str,
    weeks: Sequence[int],
    seed: int,
    workers: int,
) -> FocalResult:
    with progress_bar() as progress:
        total = units_of_work(scenario, policies, len(weeks))
        advance = partial(progress.advance, progress.add_task(scenario.spec.id, total=total))
        apart = not all(map(is_ours, policies))
        return play_focal(
            scenario,
            policies,
            split,
            weeks,
            seed,
            workers=workers,
            progress=advance,
            apart=apart,
        )


def _print_table(result: FocalResult) -> None:
    """One row per policy, entries first; then what a best response saves at least."""
    spec, (weeks, draws) = result.scenario.spec, weeks_and_draws(result.scenario, result.keys)
    console.say(
        f"{spec.id}, focal: {len(result.scenario.agents)} seats, "
        f"{episodes(weeks, spec.days, draws)}, {result.population.name}",
        "italic",
    )
    console.print(_of_roles(result) if result.several else _of_one_role(result))


def _of_one_role(result: FocalResult) -> Figures:
    rows = []
    for one in summarise(result):
        short, _ = _cells(one.short_eur)
        saving, gain = _cells(one.saving_eur), _cells(one.others_gain_eur)
        rows.append((one.policy, *saving, short, *gain))
    rows.append((BEST, f"{best_response(result).mean_eur:.2f}", "", "", "", ""))
    headings = ("policy", "saving", "95 % interval", "short", "others", "95 % interval")
    return Figures(headings, rows)


def _of_roles(result: FocalResult) -> Figures:
    """Role after role, for the money of one role says nothing of another's."""
    rows, best, every = list[tuple[str, ...]](), best_response(result), by_role(result)
    for role in dict.fromkeys(one.role for one in every):
        for one in every:
            if one.role != role:
                continue
            (saving, _), gain = _cells(one.saving_eur), _cells(one.gain_eur)
            (short, _), (others, _) = _cells(one.short_eur), _cells(one.others_gain_eur)
            rows.append((role, one.policy, saving, *gain, short, others))
        least = f"{best.mean_of_eur(result.seats_of(role)):.2f}"
        rows.append((role, BEST, least, "", "", "", ""))
    headings = ("role", "policy", "saving", "gain", "95 % interval", "short", "others")
    return Figures(headings, rows)


def _cells(found: Interval) -> tuple[str, str]:
    """Point, and ends if there is more than one week."""
    point, low, high = (
        f"{round(end, 2) + 0.0:.2f}" for end in (found.point, found.low, found.high)
    )
    return point, f"{low}..{high}" if math.isfinite(found.low) else "-"


def _write(result: FocalResult, folder: Path) -> Path:
    now = datetime.now(UTC)
    record = {
        "created_utc": now.isoformat(timespec="seconds"),
        "installation": installation([row.policy for row in result.rows], result.scenario),
        **focal_record(result),
    }
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    title = safe_name("focal-" + result.scenario.spec.id)
    return new_file(folder, f"{now:%Y%m%d-%H%M%S}", f"{title}.json", text)
