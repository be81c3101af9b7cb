"""Open a season: draw its secret, solve both ends of every draw, and commit to them."""

import hashlib
import secrets
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from leaderboard.forms import read_toml
from leaderboard.playing import reference
from leaderboard.season.boards import check
from leaderboard.season.draws import Draw, draws
from leaderboard.season.season import (
    FILE,
    REFERENCE,
    SECRET_BYTES,
    Plan,
    Seal,
    Season,
    SeasonFile,
    commitment,
    read,
    read_secret,
    sealed_text,
)
from p2p_market import __version__
from p2p_market.errors import UsageError
from p2p_market.evaluation.ends.reference import Entry
from p2p_market.evaluation.running.parts import Tell
from p2p_market.evaluation.running.processes import in_processes
from p2p_market.files import write_bytes, write_private
from p2p_market.track import Plan as Schedule


def open_season(
    plan: Path,
    folder: Path,
    secret_file: Path,
    workers: int = 1,
    tell: Callable[[int, int], None] = lambda done, all_: None,
) -> Season:
    """Make the folder of a season from an organiser's plan.

    Args:
        plan: a TOML file, as `season.Plan`.
        folder: of the season; must not hold one.
        secret_file: used if it exists, otherwise written; keep it until the reveal.
        workers: processes that solve.
        tell: called with the progress, as optima found and all.

    Raises:
        UsageError: if the folder holds a season.
        RecordError: if its boards do not fit together.
        OptimumError: if an optimum cannot be proved.
    """
    if (folder / FILE).exists():
        raise UsageError(f"{folder / FILE}: a season is opened once; choose another id")
    text = plan.read_bytes()
    asked = read_toml(plan.name, text, Plan)
    check(asked)
    if not secret_file.exists():
        secret_file.parent.mkdir(parents=True, exist_ok=True)
        write_private(secret_file, secrets.token_hex(SECRET_BYTES) + "\n")
    secret = read_secret(secret_file)
    empty = Seal(commitment=commitment(asked.id, secret), p2p_market=__version__, reference={})
    draft = SeasonFile(**dict(asked), sealed=empty)
    before = Season(folder, draft, "0" * 64, secret)
    digests = _solved(before, folder / REFERENCE, workers, tell)
    seal = empty.model_copy(update={"reference": digests})
    write_bytes(folder / FILE, sealed_text(text, seal))
    return read(folder, secret)


def _solved(
    season: Season, folder: Path, workers: int, tell: Callable[[int, int], None]
) -> dict[str, str]:
    """Write the tables of all boards; digests by the name of the file."""
    todo = draws(season)
    rows: dict[tuple[str, int], tuple[Entry, Schedule]] = {}
    with closing(_solving(todo, workers)) as solving:
        for drawn, row in solving:
            rows[drawn.board.scenario, drawn.index] = row
            tell(len(rows), len(todo))
    found = {}
    for board in season.file.boards:
        own = [rows[board.scenario, index] for index in range(board.draws)]
        for path in reference.write(folder, board, own):
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _solving(
    todo: list[Draw], workers: int
) -> Generator[tuple[Draw, tuple[Entry, Schedule]], None, None]:
    if workers == 1:
        yield from ((drawn, reference.solve(drawn)) for drawn in todo)
    else:
        yield from in_processes(todo, workers, lambda *_: None, solve)


def solve(drawn: Draw, tell: Tell) -> tuple[Entry, Schedule]:
    """What a process does."""
    return reference.solve(drawn)
