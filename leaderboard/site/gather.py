"""What the pages show, out of a season's folder: records, ranking, ledger, documents."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from leaderboard.ledger import ledger
from leaderboard.package.curve import MEASURES
from leaderboard.package.package import read as read_package
from leaderboard.playing.roles import compared_in
from leaderboard.ranking import ranking
from leaderboard.ranking.columns import several_agents
from leaderboard.ranking.export import FORMATS, bibtex
from leaderboard.ranking.ranking import Ranking
from leaderboard.record.entries import FOLDER, PACKAGE, Entered, entered
from leaderboard.record.record import NAME, Record, canonical, digest
from leaderboard.season.boards import public
from leaderboard.season.season import Season
from leaderboard.site import columns, content
from leaderboard.site.content import Entry, Learning, Pair, Row, Site
from leaderboard.site.played import shown_week
from leaderboard.site.submissions import handed_in
from leaderboard.tracks import board_card, card
from p2p_market.errors import PackageError, RecordError
from p2p_market.evaluation.statistics.bootstrap import Interval
from p2p_market.track import Card

ROOT: Final = Path(__file__).resolve().parents[2]
RULES: Final = tuple(
    ROOT / "docs" / f"{name}.md"
    for name in ("leaderboard", "organise-a-season", "leaderboard-security")
)
EXPORTS: Final = {"marl-eval": "marl-eval.json", "csv": "board.csv", "bibtex": "board.bib"}
CITE: Final = """\
@software{{p2p_market,
  author = {{{{The p2p_market developers}}}},
  title = {{{{p2p\\_market: a reproducible benchmark for agents that trade electricity with their neighbours}}}},
  version = {{{version}}},
  year = {{2026}},
  note = {{Leaderboard season {season}}}
}}
"""  # noqa: E501


def gather(season: Season, more: Path | None = None, inbox: Path | None = None) -> Site:
    """Everything that is shown of a season, and of entries in another folder.

    Args:
        season: of which.
        more: another folder of entries.
        inbox: folder in which packages are handed in.

    Raises:
        RecordError: if a record is damaged, or of another season.
        LedgerError: if the ledger is damaged.
    """
    board = ranking.board_of(season.id, entered(season, more))
    return Site(
        season=_season(season, several_agents(row.entered.record for row in board.rows)),
        rows=tuple(_row(row) for row in board.rows),
        entries=tuple(_entry(season, row) for row in board.rows),
        pairs=tuple(_pairs(board)),
        rules="\n".join(page.read_text(encoding="utf-8") for page in RULES),
        cite=CITE.format(season=season.id, version=season.file.sealed.p2p_market),
        exports=tuple((EXPORTS[name], of(board).encode()) for name, of in FORMATS.items()),
        submissions=None if inbox is None else handed_in(inbox),
    )


def _season(season: Season, shared: bool) -> content.Season:
    """What the pages say of a season.

    Args:
        shared: whether savings are shared among several agents.
    """
    file = season.file
    facts = [
        ("commitment to the secret", file.sealed.commitment),
        ("season.toml (SHA-256)", season.digest),
        *((f"{name} (SHA-256)", value) for name, value in sorted(file.sealed.reference.items())),
        ("p2p_market", file.sealed.p2p_market),
        ("population", file.population),
        ("secret", "not revealed yet" if season.secret is None else "revealed"),
    ]
    path = season.folder / ledger.NAME
    if path.is_file():
        lines = ledger.read(path).lines
        facts.append(("last line of the ledger", ledger.checkpoint_of(lines)))
    return content.Season(
        id=file.id,
        title=file.title,
        opened=file.opened.isoformat(),
        closed=file.closed.isoformat() if file.closed else "",
        public=public(file),
        facts=tuple(facts),
        scenarios=tuple(sorted((board.scenario, board.draws) for board in file.boards)),
        rule=card(season.track).rule,
        zero=board_card(season.track).zero or card(season.track).rule,
        beside=board_card(season.track).beside,
        columns=columns.shown(card(season.track), board_card(season.track), shared),
    )


def _row(row: ranking.Row) -> Row:
    entry, summary = row.entered.record.entry, row.summary
    return Row(
        id=_id(row.entered),
        name=entry.name,
        version=entry.version,
        authors=tuple(author.name for author in entry.authors),
        division=entry.division,
        kind=entry.kind,
        tier=row.entered.tier,
        ranks=(summary.rank_low, summary.rank_high) if summary.rank_low else None,
        score=Interval(summary.iqm, summary.low, summary.high),
        mean=summary.mean,
        cvar=summary.cvar,
        worst=summary.worst,
        worst_scenario=summary.worst_scenario,
        columns=row.columns,
        reasons=row.reasons,
        roles=tuple(entry.roles or ()),
    )


def _id(one: Entered) -> str:
    return f"{one.record.entry.name}-{one.record.entry.version}"


def _entry(season: Season, row: ranking.Row) -> Entry:
    record = row.entered.record
    cited, code = record.entry.citation, record.entry.training.code
    gains = _gains(card(season.track))
    return Entry(
        row=_row(row),
        scenarios=tuple(sorted(row.scenarios.items())),
        training=tuple(_training(record)),
        facts=tuple(_facts(record)),
        commands=_commands(season, row.entered),
        bibtex=bibtex(record),
        doi=cited.doi or "",
        links=tuple(address for address in (cited.url, code) if address),
        focal=tuple((gains[name], gain) for name, gain in row.focal.items()),
        week=shown_week(season, row.entered),
        learning=_learning(row.entered),
        record=canonical(record) + b"\n",
    )


def _gains(card: Card) -> dict[str, str]:
    """What one seat among bots saves, in words."""
    other = compared_in(card)
    return {
        "saving": f"saves against {card.rule}",
        "edge": f"saves against the {other} rule in the same seat",
        "others": f"what all others save, compared with a seat that plays {other}",
    }


def _training(record: Record) -> Iterable[tuple[str, str]]:
    told = record.entry.training
    yield "summary", told.summary
    if told.seeds:
        yield "seeds", ", ".join(map(str, told.seeds))
    if told.data:
        yield "trained on", "; ".join(told.data)
    for name in ("agent_steps", "processor_hours", "hours", "hardware", "code"):
        if (value := getattr(told, name)) is not None:
            yield name.replace("_", " "), str(value)


def _learning(one: Entered) -> Learning | None:
    """The curve in an entry's package, if its record names one.

    Raises:
        RecordError: if the package is not the one of the record.
    """
    if one.record.entry.training.curve is None or one.withdrawn:
        return None
    try:
        package = read_package(one.folder / PACKAGE)
    except (OSError, PackageError) as error:
        raise RecordError(f"{one.folder.name}: {PACKAGE} cannot be read ({error})") from None
    if package.identity != one.record.entry.package or package.curve is None:
        raise RecordError(f"{one.folder.name}: {PACKAGE} is not the one that the record names")
    said, unit = MEASURES[package.curve.measure]
    return Learning(said, unit, tuple(package.curve.lines.values()))


def _facts(record: Record) -> Iterable[tuple[str, str]]:
    environment = record.environment
    yield "package (identity)", record.entry.package
    yield f"{NAME} (SHA-256)", digest(record)
    yield "season.toml (SHA-256)", record.season_digest
    yield "attempt", str(record.entry.attempt)
    yield "p2p_market", environment.p2p_market
    yield "libraries", _list(environment.versions)
    yield "platform", _list(record.platform)
    yield "sandbox", environment.sandbox
    yield "evaluated", record.created_utc
    for name, value in sorted(environment.scenarios.items()):
        yield f"{name} (SHA-256)", value


def _list(named: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(named.items()))


def _commands(season: Season, one: Entered) -> tuple[str, ...]:
    within = one.folder.parent == season.folder / FOLDER
    folder = f"leaderboard/seasons/{season.id}/entries/{_id(one)}" if within else str(one.folder)
    verbs = ("replay", "verify") if (season.folder / ledger.NAME).is_file() else ("replay",)
    found = [f"p2p-market leaderboard {verb} {folder}" for verb in verbs]
    entry = one.record.entry
    played = entry.name if entry.kind == "baseline" else f"{folder}/{PACKAGE}"
    found.append(f"p2p-market leaderboard evaluate {played} --season {season.id} --output again")
    return tuple(found)


def _pairs(board: Ranking) -> Iterable[Pair]:
    """All pairs, the better one first."""
    rows: Sequence[ranking.Row] = sorted(board.rows, key=lambda row: (-row.summary.iqm, row.name))
    for first, second in combinations(rows, 2):
        yield Pair(_id(first.entered), _id(second.entered), board.difference(first, second))
