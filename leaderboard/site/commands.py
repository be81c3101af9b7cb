"""What `p2p-market leaderboard build` and `serve` do."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from leaderboard.season import season as seasons
from leaderboard.site.build import write
from leaderboard.site.gather import gather
from leaderboard.site.serve import server
from leaderboard.site.submissions import PAGE
from leaderboard.verbs.given import expect
from p2p_market.evaluation.running.interruption import exit_code, forget

CTRL_C: Final = 130


def build(
    season: Path,
    output: Path,
    more: Path | None = None,
    docs: str = "",
    inbox: Path | None = None,
) -> list[str]:
    """Write the pages of a season; lines to show.

    Args:
        season: id of one in the repository, or a folder.
        output: is created; may hold an earlier build and nothing else.
        more: another folder of entries, as `run` writes them.
        docs: folder of the documentation, as seen from the pages; "": it is not linked.
        inbox: folder in which packages are handed in.
    """
    if season.exists():
        expect(season, "season")
    site = replace(gather(seasons.read(seasons.find(season)), more, inbox), docs=docs)
    paths = write(site, output)
    size = sum(path.stat().st_size for path in paths)
    return [
        f"{output / 'index.html'}: {len(site.entries)} entries, {len(paths)} files, {size} bytes",
        f"look at it: p2p-market leaderboard serve {output}"
        + ("" if inbox is None else f" --inbox {inbox}"),
    ]


def serve(folder: Path, port: int, inbox: Path | None, tell: Callable[[str], None]) -> None:
    """Show pages until Ctrl-C, and the packages of an inbox as they stand."""
    with server(folder, port, inbox) as running, suppress(KeyboardInterrupt):
        address = f"http://{running.server_address[0]!s}:{running.server_port}/"
        if inbox is not None:
            tell(f"{address}{PAGE}: how far each package is")
        tell(f"{address} (Ctrl-C ends)")
        running.serve_forever()
    if exit_code() == CTRL_C:
        forget()
