"""`p2p-market leaderboard ledger`: the signed, append-only ledger of a season."""

from pathlib import Path
from typing import Annotated, Final

import typer

from p2p_market.commands.leaderboard_console import (
    SeasonArgument,
    SecretOption,
    refusing,
    say,
    verbs,
)

JUDGING: Final = "leaderboard.verbs.judging"

app = typer.Typer(no_args_is_help=True, help="The signed, append-only ledger of a season.")


@app.command("key")
def ledger_key(path: Annotated[Path, typer.Argument(help="A new file.")]) -> None:
    """Make a key to sign with.

    Example: p2p-market leaderboard ledger key my.key
    """
    with refusing():
        say(verbs(JUDGING).new_key(path))


@app.command("show")
def ledger_show(season: SeasonArgument) -> None:
    """Show all lines of a ledger, after they were checked, and its checkpoint.

    Example: p2p-market leaderboard ledger show season-0
    """
    with refusing():
        say(verbs(JUDGING).show(season))


@app.command("add")
def ledger_add(
    season: SeasonArgument,
    kind: Annotated[
        str, typer.Argument(help="Type of the line, as docs/organise-a-season.md lists.")
    ],
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
    with refusing():
        values = dict(_pair(one) for one in said or [])
        say(verbs(JUDGING).add_line(season, kind, key, entry, own, values, secret_file))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise typer.BadParameter(f"{text!r}: must be name=value", param_hint="--set")
    return name, value
