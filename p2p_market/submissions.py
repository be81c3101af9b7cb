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
RUNNING: Final = "leaderboard.running"

app = typer.Typer(
    no_args_is_help=True,
    help="Submit a policy: begin with a template, pack it, check it as the organiser does.",
)

seasons = typer.Typer(no_args_is_help=True, help="Open a season, as its organiser.")
app.add_typer(seasons, name="season")


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


WorkersOption = Annotated[
    int, typer.Option("--workers", "-w", min=1, help="Processes; no number depends on them.")
]
RayOption = Annotated[
    str | None, typer.Option("--ray", help="Play on a Ray cluster: local, auto or HOST:PORT.")
]


@app.command()
def run(
    package: Annotated[Path, typer.Argument(help="The zip of a submission.")],
    split: Annotated[str, typer.Option("--split", help="dev, the public draws.")] = "dev",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the records.")] = Path(
        "results/leaderboard"
    ),
    workers: WorkersOption = 1,
    ray: RayOption = None,
) -> None:
    """Evaluate a package on the public draws, as an organiser does on secret ones.

    An interrupted evaluation goes on when the same command is given again.

    Example: p2p-market leaderboard run my-agent.zip --split dev
    """
    with _refusing():
        _tell(_verbs(RUNNING).run(package, split, output, workers, ray, _progress))


@app.command()
def evaluate(
    entry: Annotated[str, typer.Argument(help="The zip of a submission, or a reference's name.")],
    season: Annotated[str, typer.Option("--season", "-s", help="Id of an open season.")],
    secret_file: Annotated[
        Path | None, typer.Option("--secret-file", help="Needed until the season's reveal.")
    ] = None,
    attempt: Annotated[
        int, typer.Option("--attempt", min=1, help="How often this name was submitted by now.")
    ] = 1,
    workers: WorkersOption = 1,
    ray: RayOption = None,
) -> None:
    """Evaluate an entry in a season, as its organiser.

    Example: p2p-market leaderboard evaluate my-agent.zip --season 2026-1 --secret-file secret
    """
    with _refusing():
        _tell(
            _verbs(RUNNING).organise(entry, season, secret_file, attempt, workers, ray, _progress)
        )


@seasons.command("open")
def open_season(
    season: Annotated[str, typer.Argument(help="Its id, a new one.")],
    plan: Annotated[Path, typer.Option("--plan", help="TOML: boards, draws, limits.")],
    secret_file: Annotated[
        Path, typer.Option("--secret-file", help="Is used if it is there, else written.")
    ],
    workers: WorkersOption = 1,
) -> None:
    """Open a season: commit to a secret, and to both ends of every draw.

    Example: p2p-market leaderboard season open 2026-1 --plan plan.toml --secret-file secret
    """
    with _refusing():
        _tell(_verbs(RUNNING).open_one(plan, season, secret_file, workers, _progress))


def _progress(done: int, units: int) -> None:
    complaints.print(f"{done} of {units}", end="\r")


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


def _verbs(module: str = "") -> Any:
    """What the verbs do.

    Raises:
        P2PMarketError: if what they need is not installed.
    """
    try:
        return importlib.import_module(module or MODULE)
    except ImportError as error:
        raise P2PMarketError(
            f"leaderboard: {error}; it needs a checkout and pip install 'p2p-market[leaderboard]'"
        ) from error
