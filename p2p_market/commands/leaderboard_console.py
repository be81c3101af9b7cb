"""What the commands of `p2p-market leaderboard` share: arguments, refusals, and what they say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from p2p_market.commands.console import complain, complaining, console, progress_bar
from p2p_market.errors import (
    LedgerError,
    P2PMarketError,
    PackageError,
    RecordError,
    SigningError,
)
from p2p_market.evaluation.running.interruption import ask_again
from p2p_market.loading import import_ours, needing

EntryArgument = Annotated[Path, typer.Argument(help="Folder of an entry, with result.json.")]
SeasonArgument = Annotated[Path, typer.Argument(help="Id or folder of a season.")]
SecretOption = Annotated[
    Path | None,
    typer.Option("--secret-file", help="The season's secret, before it is revealed."),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        "-w",
        min=0,
        help="Processes; 0: one per available processor. No number depends on them.",
    ),
]
MoreOption = Annotated[
    Path | None,
    typer.Option("--entries", help="Show these too: a folder of entries, as run writes it."),
]


InboxOption = Annotated[
    Path | None,
    typer.Option("--inbox", help="Folder of submissions: show how far each of them is."),
]
RayOption = Annotated[
    str | None, typer.Option("--ray", help="Play on a Ray cluster: local, auto or HOST:PORT.")
]


def conclude(problems: list[str], told: list[str]) -> None:
    """Say what was found; exit code 1 if anything is wrong."""
    for problem in problems:
        complain(f"wrong: {problem}")
    say(told if not problems else [f"{len(problems)} problems"])
    if problems:
        raise typer.Exit(1)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many are done, and of how many; nothing is shown before that.

    Where nobody can see a bar move, a line tells of each tenth.
    """
    bar = progress_bar()
    task, told = bar.add_task(what, total=None), 0

    def tell(done: int, all_: int) -> None:
        nonlocal told
        if not bar.console.is_terminal:
            if (tenths := 10 * done // max(all_, 1)) > told:
                told = tenths
                complain(f"{what}: {done} of {all_}")
            ask_again()
            return
        bar.start()
        bar.update(task, completed=done, total=all_)

    try:
        yield tell
    finally:
        if bar.live.is_started:
            bar.stop()


@contextmanager
def refusing() -> Iterator[None]:
    """Exit code 1 for what breaks a rule of the leaderboard, 2 for other errors."""
    with complaining():
        try:
            yield
        except (LedgerError, PackageError, RecordError, SigningError) as error:
            complain(f"refused: {error}")
            raise typer.Exit(1) from error


def say(lines: list[str]) -> None:
    """Say all lines."""
    for line in lines:
        console.say(line)


def verbs(module: str) -> Any:
    """What the verbs of a module do.

    Raises:
        P2PMarketError: if what they need is not installed.
    """
    try:
        return import_ours(module)
    except ImportError as error:
        raise P2PMarketError(f"leaderboard: {error}; it needs {needing('leaderboard')}") from error
