"""`p2p-market leaderboard`: packages of policies; what a verb does is imported on use.

Exit codes: 0 ok, 1 refused, 2 wrong usage or nothing there.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from p2p_market.console import complaining, complaints, console
from p2p_market.errors import P2PMarketError, PackageError

MODULE: Final = "leaderboard.commands"

app = typer.Typer(
    no_args_is_help=True,
    help="Submit a policy: begin with a template, pack it, check it as the organiser does.",
)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    kind: Annotated[str, typer.Option("--kind", help="onnx or rules.")] = "onnx",
) -> None:
    """Write a template that passes the gate.

    Example: p2p-market leaderboard init my-agent --kind rules
    """
    with _refusing():
        _tell(_verbs().init(folder, kind))


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Folder with submission.toml and the policy.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The zip. Default: FOLDER.zip.")
    ] = None,
) -> None:
    """Pack a folder: the same files give the same bytes.

    Example: p2p-market leaderboard pack my-agent
    """
    with _refusing():
        _tell(_verbs().pack(folder, output))


@app.command()
def check(package: Annotated[Path, typer.Argument(help="The zip of a submission.")]) -> None:
    """Examine a package as the organiser does.

    Example: p2p-market leaderboard check my-agent.zip
    """
    with _refusing():
        _tell(_verbs().check_file(package))


@contextmanager
def _refusing() -> Iterator[None]:
    """Exit code 1 for a package that breaks a rule, 2 for other errors."""
    with complaining():
        try:
            yield
        except PackageError as error:
            complaints.print(f"refused: {error}", markup=False, highlight=False, soft_wrap=True)
            raise typer.Exit(1) from error


def _tell(lines: list[str]) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _verbs() -> Any:
    """What the verbs do.

    Raises:
        P2PMarketError: if what they need is not installed.
    """
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        raise P2PMarketError(
            f"leaderboard: {error}; it needs a checkout and pip install 'p2p-market[leaderboard]'"
        ) from error
