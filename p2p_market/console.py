"""What commands share: options, the terminal, and errors as one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from p2p_market.calendar import SPLIT_DAYS
from p2p_market.errors import P2PMarketError
from p2p_market.evaluation.benchmark import all_weeks
from p2p_market.records import FloatArray

console: Final = Console()
complaints: Final = Console(stderr=True)

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
        found = re.fullmatch(r"\s*([0-9]{1,2})(?:\s*-\s*([0-9]{1,2}))?\s*", part)
        first, last = found.groups() if found else ("1", "0")
        numbers += range(int(first), int(last or first) + 1) or [-1]
    if len(set(numbers)) < len(numbers) or not set(numbers) <= set(all_weeks()):
        raise typer.BadParameter(
            f"{text[:60]!r} is not a list of different weeks between 0 and {max(all_weeks())}, "
            "like 0-12 or 3,7",
            param_hint="--weeks",
        )
    return numbers


def _checked_weeks(text: str) -> str:
    """The same text, refused before anything is loaded."""
    week_numbers(text)
    return text


def _checked_split(split: str) -> str:
    if split not in SPLIT_DAYS:
        raise typer.BadParameter(
            f"no split {split[:60]!r}; known are: {', '.join(SPLIT_DAYS)}", param_hint="--split"
        )
    return split


WeeksOption = Annotated[
    str,
    typer.Option(
        "--weeks",
        help="Weeks of the split, for example 0-12 or 3,7. Each is 7 days.",
        callback=_checked_weeks,
    ),
]
SplitOption = Annotated[
    str,
    typer.Option(
        "--split",
        help="Part of the year: train, validation or test.",
        callback=_checked_split,
    ),
]
SeedOption = Annotated[
    int,
    typer.Option("--seed", min=0, max=2**63 - 1, help="Draws donor days, clouds, start levels."),
]


def euro(values: FloatArray) -> str:
    """Mean with two digits, without a minus sign before zero."""
    return f"{round(float(values.mean()), 2) + 0.0:.2f}"


def progress_bar() -> Progress:
    """A bar on stderr that counts units of work."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=complaints,
    )


@contextmanager
def complaining() -> Iterator[None]:
    """Turn the package's errors into one line and exit code 2."""
    try:
        yield
    except (P2PMarketError, OSError) as error:
        complaints.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        complaints.print("interrupted; the same command goes on from the parts finished so far")
        raise typer.Exit(130) from None
