"""`p2p-market leaderboard`: packages of policies; what a verb does is imported on use.

Exit codes: 0 ok, 1 refused, 2 wrong usage or nothing there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from p2p_market.commands.console import complain, complaining, console, progress_bar
from p2p_market.errors import (
    LedgerError,
    P2PMarketError,
    PackageError,
    RecordError,
    SigningError,
)
from p2p_market.loading import import_ours

MODULE: Final = "leaderboard.verbs.commands"
JUDGING: Final = "leaderboard.verbs.judging"
RUNNING: Final = "leaderboard.verbs.running"
PAGES: Final = "leaderboard.site.commands"

app = typer.Typer(
    no_args_is_help=True,
    help="Submit a policy, check it as the organiser does, and check what was made of others.",
)

ledger_app = typer.Typer(no_args_is_help=True, help="The signed, append-only ledger of a season.")
app.add_typer(ledger_app, name="ledger")

EntryArgument = Annotated[Path, typer.Argument(help="Folder of an entry, with result.json.")]
SeasonArgument = Annotated[Path, typer.Argument(help="Id or folder of a season.")]
SecretOption = Annotated[
    Path | None,
    typer.Option("--secret-file", help="The season's secret, before it is revealed."),
]
WorkersOption = Annotated[
    int, typer.Option("--workers", "-w", min=1, help="Processes; no number depends on them.")
]

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


@app.command()
def replay(
    entry: EntryArgument, secret_file: SecretOption = None, workers: WorkersOption = 1
) -> None:
    """Play an entry's episodes again from their traces and compare every number to the last bit.

    Nothing of the submitter runs.

    Example: p2p-market leaderboard replay leaderboard/seasons/season-0/entries/zip-1.0.0
    """
    with _refusing():
        with _counting("episodes") as tell:
            problems = _verbs(JUDGING).replay_entry(entry, secret_file, workers, tell)
        _conclude(problems, ["all numbers are found again, to the last bit"])


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="Folder of an entry, id or folder of a season.")],
    secret_file: SecretOption = None,
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", help="NUMBER:DIGEST of the ledger, kept earlier.")
    ] = "",
    key: Annotated[
        str, typer.Option("--key", help="The organiser's public key, from elsewhere.")
    ] = "",
    replays: Annotated[
        bool, typer.Option("--replay/--no-replay", help="Whether to play the episodes again.")
    ] = True,
    workers: WorkersOption = 1,
) -> None:
    """Check digests, signatures and the ledger, and replay what can be replayed.

    Example: p2p-market leaderboard verify season-0 --workers 2
    """
    with _refusing():
        with _counting("episodes") as tell:
            found = _verbs(JUDGING).verify_path(
                path, secret_file, checkpoint, key, replays, workers, tell
            )
        _conclude(*found)


@app.command()
def rank(season: SeasonArgument) -> None:
    """Show the tables of a season.

    Example: p2p-market leaderboard rank season-0
    """
    with _refusing():
        _tell(_verbs(JUDGING).rank(season))


@app.command()
def export(
    season: SeasonArgument,
    form: Annotated[str, typer.Option("--format", help="marl-eval, csv or bibtex.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file.")] = None,
) -> None:
    """Write a season's tables for other programs.

    Example: p2p-market leaderboard export season-0 --format csv -o board.csv
    """
    with _refusing():
        _tell(_verbs(JUDGING).export_board(season, form, output))


@ledger_app.command("key")
def ledger_key(path: Annotated[Path, typer.Argument(help="A new file.")]) -> None:
    """Make a key to sign with.

    Example: p2p-market leaderboard ledger key my.key
    """
    with _refusing():
        _tell(_verbs(JUDGING).new_key(path))


@ledger_app.command("show")
def ledger_show(season: SeasonArgument) -> None:
    """Show all lines of a ledger, after they were checked, and its checkpoint.

    Example: p2p-market leaderboard ledger show season-0
    """
    with _refusing():
        _tell(_verbs(JUDGING).show(season))


@ledger_app.command("add")
def ledger_add(
    season: SeasonArgument,
    kind: Annotated[str, typer.Argument(help="Type of the line, as docs/leaderboard.md lists.")],
    key: Annotated[Path, typer.Option("--key", help="File of the key that signs.")],
    entry: Annotated[
        Path | None, typer.Option("--entry", help="Its folder, or a zip that was handed in.")
    ] = None,
    own: Annotated[
        Path | None, typer.Option("--own", help="Your own evaluation of it, if you reproduced it.")
    ] = None,
    said: Annotated[
        list[str] | None, typer.Option("--set", help="name=value; may be repeated.")
    ] = None,
    secret_file: SecretOption = None,
) -> None:
    """Sign a line and add it.

    What can be checked is checked first: `replay` replays, `reproduction` compares. A submission
    is the zip, or a folder where there is none.

    Example: p2p-market leaderboard ledger add SEASON evaluation --key my.key --entry ENTRY
    """
    with _refusing():
        values = dict(_pair(one) for one in said or [])
        _tell(_verbs(JUDGING).add_line(season, kind, key, entry, own, values, secret_file))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r}: must be name=value", param_hint="--set")
    return name, value


def _conclude(problems: list[str], told: list[str]) -> None:
    """Say what was found; exit code 1 if anything is wrong."""
    for problem in problems:
        complain(f"wrong: {problem}")
    _tell(told if not problems else [f"{len(problems)} problems"])
    if problems:
        raise typer.Exit(1)


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
        with _counting("episodes") as tell:
            told = _verbs(RUNNING).run(package, split, output, workers, ray, tell)
        _tell(told)


@app.command()
def evaluate(
    entry: Annotated[str, typer.Argument(help="The zip of a submission, or a reference's name.")],
    season: Annotated[str, typer.Option("--season", "-s", help="Its id, or its folder.")],
    secret_file: Annotated[
        Path | None, typer.Option("--secret-file", help="Needed until the season's reveal.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Another folder: to reproduce a published record."),
    ] = None,
    workers: WorkersOption = 1,
    ray: RayOption = None,
) -> None:
    """Evaluate an entry in a season, as its organiser.

    Example: p2p-market leaderboard evaluate my-agent.zip --season 2026-1 --secret-file secret
    """
    with _refusing():
        with _counting("episodes") as tell:
            told = _verbs(RUNNING).organise(entry, season, secret_file, output, workers, ray, tell)
        _tell(told)


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
        with _counting("optima") as tell:
            told = _verbs(RUNNING).open_one(plan, season, secret_file, workers, tell)
        _tell(told)


@contextmanager
def _counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many are done, and of how many."""
    with progress_bar() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, all_: bar.update(task, completed=done, total=all_)


@app.command()
def build(
    season: SeasonArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the pages.")],
) -> None:
    """Make the pages of a season: the same records give the same bytes.

    Example: p2p-market leaderboard build season-0 -o site
    """
    with _refusing():
        _tell(_verbs(PAGES).build(season, output))


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Folder that build has written.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any.")] = 8000,
) -> None:
    """Show pages on this machine until Ctrl-C.

    Example: p2p-market leaderboard serve site
    """
    with _refusing():
        _verbs(PAGES).serve(folder, port, lambda line: _tell([line]))


@contextmanager
def _refusing() -> Iterator[None]:
    """Exit code 1 for what breaks a rule of the leaderboard, 2 for other errors."""
    with complaining():
        try:
            yield
        except (LedgerError, PackageError, RecordError, SigningError) as error:
            complain(f"refused: {error}")
            raise typer.Exit(1) from error


def _tell(lines: list[str]) -> None:
    for line in lines:
        console.say(line)


def _verbs(module: str | None = None) -> Any:
    """What the verbs do.

    Raises:
        P2PMarketError: if what they need is not installed.
    """
    try:
        return import_ours(module or MODULE)
    except ImportError as error:
        raise P2PMarketError(
            f"leaderboard: {error}; it needs a checkout and pip install 'p2p-market[leaderboard]'"
        ) from error
