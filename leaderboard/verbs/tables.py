"""What `rank` and `export` do: the tables of a season."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from leaderboard.ledger.tiers import RANKED
from leaderboard.ranking import export, ranking
from leaderboard.ranking.columns import several_agents
from leaderboard.ranking.ranking import Ranking, Row
from leaderboard.record import entries
from leaderboard.season import season
from leaderboard.tracks import board_card, card
from leaderboard.verbs.given import expect
from leaderboard.verbs.summary import aligned
from p2p_market.errors import UsageError
from p2p_market.files import write_text
from report.table import amount

HEADINGS: Final = (
    "rank", "entry", "tier", "score", "95 %", "mean", "worst scenario",
)  # fmt: skip
SHARES: Final = {"worse_off": ("worse off %", 1), "jain": ("Jain", 2)}
"""Column -> heading and digits; for boards with several agents."""
LAST: Final = ("faults ‰", "ms")
"""Headings; between them stand those of the track's metrics."""
DIFFERENCES: Final = ("entry", "less", "difference", "95 %")


def rank(folder: Path, more: Path | None = None) -> list[str]:
    """The tables of a season, with entries of another folder; lines to show."""
    board = _board(folder, more)
    brief, lines = _brief(board.track), []
    shares = SHARES if several_agents(row.entered.record for row in board.rows) else {}
    headings = (*HEADINGS, *(name for name, _ in shares.values()), *brief.values(), *LAST)
    for title, rows in (
        ("Policy entries", board.policies.rows),
        ("Method entries", board.methods.rows),
        ("References and tripwires, which are never ranked", board.shown),
    ):
        if rows:
            lines += [title, *aligned([headings, *(_cells(row, brief, shares) for row in rows)])]
            if rows is not board.shown:
                lines += [_why(board, row) for row in rows if row.reasons]
            lines.append("")
    if pairs := [*_pairs(board)]:
        lines += ["Differences of scores on the same draws", *aligned([DIFFERENCES, *pairs]), ""]
    return [*lines, *_legend(board.track, bool(shares))]


def _why(board: Ranking, row: Row) -> str:
    """Why an entry is not ranked; where it would stand if only nobody else has run it yet."""
    said = f"{row.name}: {'; '.join(row.reasons)}"
    if row.entered.tier in RANKED or not board.peers(row):
        return said
    place, low, high = board.place(row)
    ranks = str(low) if low == high else f"{low} to {high}"
    return (
        f"{said}. Counted with the references it would take place {place} of "
        f"{len(board.peers(row)) + 1} ({ranks} in 95 % of draws)"
    )


def _pairs(board: Ranking) -> Iterable[tuple[str, ...]]:
    """The first of a table less each other; what no evaluator ran less each that it stands with."""
    for table in (board.policies, board.methods):
        for row in table.ranked[1:]:
            yield _pair(board, table.ranked[0], row)
        for row in table.listed:
            if row.entered.tier not in RANKED:
                yield from (_pair(board, row, peer) for peer in board.peers(row))


def _pair(board: Ranking, first: Row, second: Row) -> tuple[str, ...]:
    found = board.difference(first, second)
    interval = f"{amount(found.low, 1)} to {amount(found.high, 1)}"
    return first.name, second.name, amount(found.point, 1), interval


def _legend(track: str, shared: bool) -> list[str]:
    """What the headings mean.

    Args:
        shared: whether it is shown how savings are shared.
    """
    rule = card(track).rule
    shares = (
        f"worse off: members that pay more than a cent above {rule}; Jain: how equally savings "
        "are shared, 1 = equally"
    )
    return [
        "rank: 1 is best, from best to worst in 95 % of draws; tier: how far it was checked",
        f"score: 0 costs what {rule} costs, 100 what the optimum costs; interquartile mean over "
        "all boards, with its 95 % interval; mean: over all",
        *([shares] if shared else []),
        "faults: steps without a valid answer, of a thousand; ms: time of the policy per step",
        "tripwires: blind policies of the organiser, which have to score low",
    ]


def _brief(track: str) -> Mapping[str, str]:
    """Metric -> heading, of those that fit a terminal."""
    brief = board_card(track).brief
    if brief is not None:
        return brief
    return {name: f"{name} {metric.unit}" for name, metric in card(track).metrics.items()}


def _cells(
    row: Row, brief: Mapping[str, str], shares: Mapping[str, tuple[str, int]]
) -> tuple[str, ...]:
    one, beside = row.summary, row.columns
    ranks = f"{one.rank_low}-{one.rank_high}" if one.rank_low < one.rank_high else str(one.rank_low)
    return (
        ranks if one.rank_low else "-", row.name, row.entered.tier, amount(one.iqm, 1),
        f"{amount(one.low, 1)} to {amount(one.high, 1)}", amount(one.mean, 1),
        f"{amount(one.worst, 1)} {one.worst_scenario}",
        *(amount(beside[name], digits) for name, (_, digits) in shares.items()),
        *(amount(beside[name], 1) for name in brief),
        amount(beside["faults"], 1), amount(beside["time"], 2),
    )  # fmt: skip


def export_board(folder: Path, form: str, output: Path | None) -> list[str]:
    """Write a board for other programs; lines to show."""
    if form not in export.FORMATS:
        raise UsageError(f"unknown format {form!r}; known: {', '.join(export.FORMATS)}")
    text = export.FORMATS[form](_board(folder))
    if output is None:
        return text.splitlines()
    write_text(output, text)
    return [str(output)]


def _board(folder: Path, more: Path | None = None) -> ranking.Ranking:
    if folder.exists():
        expect(folder, "season")
    own = season.read(season.find(folder))
    return ranking.board_of(own.id, entries.entered(own, more))
