"""`p2p-market leaderboard`: packages of policies; what a verb does is imported on use.

Exit codes are those of all commands: a package, a record or a ledger that breaks a rule is 1; what
is not there, or is not what a verb takes, is 2.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from p2p_market.commands import leaderboard_ledger
from p2p_market.commands.leaderboard_console import (
    EntryArgument,
    InboxOption,
    MoreOption,
    RayOption,
    SeasonArgument,
    SecretOption,
    WorkersOption,
    conclude,
    counting,
    refusing,
    say,
    verbs,
)
from p2p_market.registry import DEFAULT_TRACK

MODULE: Final = "leaderboard.verbs.commands"
JUDGING: Final = "leaderboard.verbs.judging"
TRAINED: Final = "leaderboard.verbs.trained"
TABLES: Final = "leaderboard.verbs.tables"
RUNNING: Final = "leaderboard.verbs.running"
WORKING: Final = "leaderboard.verbs.working"
PAGES: Final = "leaderboard.site.commands"

PackageArgument = Annotated[
    Path, typer.Argument(help="The zip of a submission, or its folder, which is packed first.")
]

app = typer.Typer(
    no_args_is_help=True,
    help="Submit a policy, check it as the organiser does, and check the results of others.",
)

app.add_typer(leaderboard_ledger.app, name="ledger")

seasons = typer.Typer(no_args_is_help=True, help="Open a season, as its organiser.")
app.add_typer(seasons, name="season")


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    kind: Annotated[str, typer.Option("--kind", help="onnx, rules or python.")] = "onnx",
    track: Annotated[str, typer.Option("--track", help="Where it is to play.")] = DEFAULT_TRACK,
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            "-p",
            help="What was trained: the zip of a Stable-Baselines3 model, the folder of an RLlib "
            "checkpoint, or an ONNX file.",
        ),
    ] = "",
    scenario: Annotated[
        str, typer.Option("--scenario", "-s", help="Where the policy was trained.")
    ] = "",
    normalize: Annotated[
        Path | None, typer.Option("--normalize", help="File of a model's VecNormalize.")
    ] = None,
    agent_indicator: Annotated[
        bool,
        typer.Option("--agent-indicator", help="Its observation ends in a one-hot of the agent."),
    ] = False,
    view: Annotated[
        str,
        typer.Option(
            "--view", help="around_rule or full, if it was trained in a ViewEnv of that decision."
        ),
    ] = "",
    module: Annotated[str, typer.Option("--module", help="Which of several RLModules.")] = "",
    decides: Annotated[
        list[str] | None,
        typer.Option("--decides", help="A column of the action; the others rest. Default: all."),
    ] = None,
) -> None:
    """Write a package that passes the gate: a template, or a policy that you have trained.

    Example: p2p-market leaderboard init my-agent --policy model.zip --scenario classic-v0
    """
    with refusing():
        say(
            verbs(MODULE).init(folder, kind, track)
            if not policy
            else verbs(TRAINED).init(
                folder, policy, scenario, normalize, agent_indicator, view, module, decides
            )
        )


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
    with refusing():
        say(verbs(MODULE).pack(folder, output))


@app.command()
def check(package: PackageArgument) -> None:
    """Examine a package as the organiser does.

    Example: p2p-market leaderboard check my-agent
    """
    with refusing():
        say(verbs(MODULE).check_file(package))


@app.command()
def replay(
    entry: EntryArgument, secret_file: SecretOption = None, workers: WorkersOption = 0
) -> None:
    """Play an entry's episodes again from their traces and compare every number to the last bit.

    Nothing of the submitter runs.

    Example: p2p-market leaderboard replay leaderboard/seasons/season-0/entries/zip-1.0.0
    """
    with refusing():
        with counting("episodes") as tell:
            problems = verbs(JUDGING).replay_entry(entry, secret_file, workers, tell)
        conclude(problems, ["all numbers are found again, to the last bit"])


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
    workers: WorkersOption = 0,
) -> None:
    """Check digests, signatures and the ledger, and replay what can be replayed.

    Example: p2p-market leaderboard verify season-0 --workers 2
    """
    with refusing():
        with counting("episodes") as tell:
            found = verbs(JUDGING).verify_path(
                path, secret_file, checkpoint, key, replays, workers, tell
            )
        conclude(*found)


@app.command()
def rank(season: SeasonArgument, more: MoreOption = None) -> None:
    """Show the tables of a season.

    Example: p2p-market leaderboard rank dev --entries results/leaderboard
    """
    with refusing():
        say(verbs(TABLES).rank(season, more))


@app.command()
def export(
    season: SeasonArgument,
    form: Annotated[str, typer.Option("--format", help="marl-eval, csv or bibtex.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file.")] = None,
) -> None:
    """Write a season's tables for other programs.

    Example: p2p-market leaderboard export season-0 --format csv -o board.csv
    """
    with refusing():
        say(verbs(TABLES).export_board(season, form, output))


@app.command()
def run(
    package: PackageArgument,
    board: Annotated[
        str | None, typer.Option("--board", help="Play this scenario alone. Default: all.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the records.")] = Path(
        "results/leaderboard"
    ),
    workers: WorkersOption = 0,
    ray: RayOption = None,
) -> None:
    """Pack, check and score: play the public draws of the track, as an organiser plays secret ones.

    An interrupted evaluation goes on when the same command is given again.

    Example: p2p-market leaderboard run my-agent
    """
    with refusing():
        with counting("episodes") as tell:
            told = verbs(RUNNING).run(package, board, output, workers, ray, tell)
        say(told)


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
    workers: WorkersOption = 0,
    ray: RayOption = None,
) -> None:
    """Evaluate an entry in a season, as its organiser.

    Example: p2p-market leaderboard evaluate my-agent.zip --season 2026-1 --secret-file secret
    """
    with refusing():
        with counting("episodes") as tell:
            told = verbs(RUNNING).organise(entry, season, secret_file, output, workers, ray, tell)
        say(told)


@app.command()
def work(
    inbox: Annotated[Path, typer.Argument(help="Folder with the zips of submissions.")],
    season: Annotated[str, typer.Option("--season", "-s", help="Its id, or its folder.")],
    secret_file: Annotated[
        Path | None, typer.Option("--secret-file", help="Needed until the season's reveal.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: the season's own entries.")
    ] = None,
    workers: WorkersOption = 0,
    ray: RayOption = None,
) -> None:
    """Take every package of a folder through gate and evaluation, in the order in which they came.

    Beside each zip it says how far it is, which `serve --inbox` shows; what was interrupted goes
    on.

    Example: p2p-market leaderboard work inbox --season 2026-1 --secret-file secret
    """
    with refusing():
        with counting("episodes") as tell:
            told = verbs(WORKING).work(
                inbox, season, secret_file, output, workers, ray, tell, lambda line: say([line])
            )
        say(told)


@seasons.command("open")
def open_season(
    season: Annotated[str, typer.Argument(help="A new id.")],
    plan: Annotated[Path, typer.Option("--plan", help="TOML: boards, draws, limits.")],
    secret_file: Annotated[
        Path, typer.Option("--secret-file", help="Used if it exists, otherwise written.")
    ],
    workers: WorkersOption = 0,
) -> None:
    """Open a season: commit to a secret, and to both ends of every draw.

    Example: p2p-market leaderboard season open 2026-1 --plan plan.toml --secret-file secret
    """
    with refusing():
        with counting("optima") as tell:
            told = verbs(RUNNING).open_one(plan, season, secret_file, workers, tell)
        say(told)


@app.command()
def build(
    season: SeasonArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the pages.")],
    more: MoreOption = None,
    docs: Annotated[
        str,
        typer.Option(
            "--docs", help="Folder of the documentation, https://.../ or ../.../, to link to it."
        ),
    ] = "",
    inbox: InboxOption = None,
) -> None:
    """Make the pages of a season: the same records give the same bytes.

    Example: p2p-market leaderboard build season-0 -o site
    """
    with refusing():
        say(verbs(PAGES).build(season, output, more, docs, inbox))


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Folder that build has written.")],
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any.")] = 8000,
    inbox: InboxOption = None,
) -> None:
    """Show pages on this machine until Ctrl-C.

    Example: p2p-market leaderboard serve site
    """
    with refusing():
        verbs(PAGES).serve(folder, port, inbox, lambda line: say([line]))
