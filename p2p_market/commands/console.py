"""What commands share: options, the terminal, and errors as one line."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from typer.core import TyperGroup

from p2p_market.commands.screen import Screen, outlets
from p2p_market.errors import P2PMarketError, ScenarioError, UsageError
from p2p_market.evaluation.benchmark import all_weeks
from p2p_market.evaluation.running.interruption import ask_again, exit_code, listening
from p2p_market.files import expanded
from p2p_market.records import FloatArray
from p2p_market.track import AnyScenario

console: Final = Screen()
complaints: Final = Screen(stderr=True)

GOES_ON: Final = "the same command goes on from the parts finished so far"

ScenarioOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario", "-s", help="Scenario id or YAML file; repeatable. Default: all shipped."
    ),
]


def week_numbers(text: str) -> list[int]:
    """Numbers out of "0-12" or "3,7".

    Raises:
        typer.BadParameter: if they are not different weeks of a split.
    """
    numbers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,4})(?:\s*-\s*([0-9]{1,4}))?\s*", part)
        first, last = found.groups() if found else ("1", "0")
        numbers += range(int(first), int(last or first) + 1) or [-1]
    if len(set(numbers)) < len(numbers) or min(numbers) < 0:
        raise _no_weeks(text)
    return numbers


def _no_weeks(text: str, most: int | None = None) -> typer.BadParameter:
    between = "" if most is None else f" between 0 and {most}"
    return typer.BadParameter(
        f"{text[:60]!r} is not a list of different weeks{between}, like 0-12 or 3,7",
        param_hint="--weeks",
    )


def weeks_of(scenario: AnyScenario, split: str, text: str) -> tuple[int, ...]:
    """The weeks that were asked for in a scenario; all without a text.

    Raises:
        typer.BadParameter: if there is no such split, or it does not have them.
    """
    try:
        known = all_weeks(scenario, split)
    except ScenarioError as error:
        raise typer.BadParameter(str(error), param_hint="--split") from error
    numbers = week_numbers(text) if text else [*known]
    if not set(numbers) <= set(known):
        raise _no_weeks(text, max(known))
    return tuple(numbers)


def _checked_weeks(text: str) -> str:
    """The same text, refused before anything is loaded."""
    if text:
        week_numbers(text)
    return text


WeeksOption = Annotated[
    str,
    typer.Option(
        "--weeks",
        help="Weeks of the split, for example 0-12 or 3,7. Default: all.",
        show_default=False,
        callback=_checked_weeks,
    ),
]
SplitOption = Annotated[
    str,
    typer.Option(
        "--split",
        help="Part of the year: train, validation or test.",
    ),
]
SeedOption = Annotated[
    int,
    typer.Option("--seed", min=0, max=2**63 - 1, help="Draws donor days, clouds, start levels."),
]


def check_names(policies: Sequence[str]) -> None:
    """Refuse names that cannot be written in a record.

    Raises:
        typer.BadParameter: for bytes of a file's name that are not UTF-8.
    """
    for name in policies:
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise typer.BadParameter(
                f"{name!r} holds bytes that are not UTF-8; rename it", param_hint="--policy"
            )


def euro(values: FloatArray) -> str:
    """Mean with two digits, without a minus sign before zero; a dash where there is none."""
    if np.isnan(values).all():
        return "-"
    return f"{round(float(values.mean()), 2) + 0.0:.2f}"


class Commands(TyperGroup):
    """All commands: on any terminal, through any pipe, and ended by Ctrl-C at any moment."""

    def main(self, *words: Any, **how: Any) -> Any:
        """Run a command; a request to end that was swallowed on the way is the exit code.

        What cannot be shown is one line and exit code 1.
        """
        with listening(), outlets() as shown:
            try:
                try:
                    return super().main(*words, **how)
                finally:
                    shown.flush()
            except OSError as error:
                complain(f"error: {error}")
                raise SystemExit(exit_code() or 1) from None
            except (KeyboardInterrupt, SystemExit) as leaving:
                if (asked := exit_code()) is not None:
                    raise SystemExit(asked) from None
                if isinstance(leaving, KeyboardInterrupt):
                    raise SystemExit(130) from None
                raise

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Click reads them; `~` is the home folder, even where no shell has expanded it."""
        with complaining():
            args = [expanded(argument) for argument in args]
        return super().parse_args(ctx, args)


class Bar(Progress):
    """Progress on stderr; each update also checks whether to end."""

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """So much more is done."""
        ask_again()
        super().advance(task_id, advance)

    def update(self, task_id: TaskID, **how: Any) -> None:
        """So much is done."""
        ask_again()
        super().update(task_id, **how)


def progress_bar(transient: bool = False) -> Bar:
    """A bar on stderr that counts units of work.

    Args:
        transient: it vanishes when it stops, so that tables can be shown between.
    """
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=complaints,
        transient=transient,
    )


def complain(text: str) -> None:
    """One line on stderr."""
    complaints.say(text)


@contextmanager
def complaining(code: int = 2, after_interruption: str = GOES_ON) -> Iterator[None]:
    """Turn the package's errors into one line and an exit code.

    Args:
        code: 2 where nothing could start, 1 where something was done or examined; wrong usage is
            always 2.
        after_interruption: what became of the work, to be shown after Ctrl-C.
    """
    try:
        yield
    except (P2PMarketError, OSError) as error:
        complain(f"error: {error}")
        raise typer.Exit(2 if isinstance(error, UsageError) else code) from error
    except KeyboardInterrupt:
        complain(f"interrupted; {after_interruption}")
        raise typer.Exit(exit_code() or 130) from None
