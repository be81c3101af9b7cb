"""A board for other programs: marl-eval's JSON, CSV, and BibTeX; strangers' text stays text."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from leaderboard.ranking.ranking import Ranking, Row
from leaderboard.record.record import Episode, Record, digest
from leaderboard.tracks import card, track_name
from p2p_market.evaluation.statistics.scores import episode_scores

FORMULA: Final = re.compile(r"(^|[;,|\t\r\n\"])(\s*)([=+\-@])")
"""Where a table's program would begin to calculate, whatever it takes for a separator."""

LATEX: Final = str.maketrans(
    {
        "\\": r"{\textbackslash}",
        "{": r"{\textbraceleft}",  # `\{` would still count as a brace
        "}": r"{\textbraceright}",
        "~": r"{\textasciitilde}",
        "^": r"{\textasciicircum}",
        "<": r"{\textless}",
        ">": r"{\textgreater}",
        '"': r"{\textquotedbl}",
        **{letter: f"\\{letter}" for letter in "%&$#_"},
    }
)


def marl_eval(board: Ranking) -> str:
    """All episodes as marl-eval reads them: environment, task, algorithm, run, metric.

    A run is one file of an entry: one training. Every episode is one number of `score` (0 = the
    rule, 100 = optimum), `social_cost` [EUR] and the metrics. Source: Gorsane et al. (2022),
    arXiv 2209.10485; github.com/instadeepai/marl-eval.
    """
    tasks: dict[str, dict[str, Any]] = {}
    for row in sorted(board.rows, key=lambda one: one.name):
        for scenario, runs in _runs(row.entered.record).items():
            tasks.setdefault(scenario, {})[row.name] = runs
    return _json({f"p2p_market/{board.season}": tasks})


def _runs(record: Record) -> dict[str, dict[str, Any]]:
    """Scenario -> run -> what marl-eval expects of a run."""
    by_file: dict[str, dict[str, list[Episode]]] = {}
    for one in sorted(record.episodes, key=lambda one: (one.scenario, one.file, one.draw)):
        by_file.setdefault(one.scenario, {}).setdefault(one.file, []).append(one)
    return {
        scenario: {
            f"seed_{number}": _run(episodes)
            for number, episodes in enumerate(files.values(), start=1)
        }
        for scenario, files in by_file.items()
    }


def _run(episodes: list[Episode]) -> dict[str, Any]:
    rule, own, best = (
        np.array([getattr(one, name) for one in episodes])
        for name in ("rule_eur", "cost_eur", "best_eur")
    )
    metrics = {
        "score": episode_scores(rule, own, best).tolist(),
        "social_cost": own.tolist(),
        **{name: [one.metrics[name] for one in episodes] for name in _metrics(episodes[0])},
    }
    return {"step_0": {"step_count": 0, **metrics}, "absolute_metrics": metrics}


def _metrics(episode: Episode) -> list[str]:
    """Names of the metrics, in the order of their track."""
    return list(card(track_name(episode.scenario)).metrics)


def table(board: Ranking) -> str:
    """The tables as CSV: a line per entry, those that are not ranked with the reason."""
    lines: list[dict[str, Any]] = []
    for name, rows in (
        ("policy", board.policies.rows),
        ("method", board.methods.rows),
        ("shown", board.shown),
    ):
        lines += [{"table": name, **_cells(row)} for row in rows]
    buffer = io.StringIO()
    writer = csv.DictWriter(
        buffer, list(lines[0]) if lines else [], quoting=csv.QUOTE_ALL, lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows([{key: _cell(value) for key, value in line.items()} for line in lines])
    return buffer.getvalue()


def _cells(row: Row) -> dict[str, Any]:
    entry, summary = row.entered.record.entry, row.summary
    return {
        "name": entry.name,
        "version": entry.version,
        "authors": "; ".join(author.name for author in entry.authors),
        "tier": row.entered.tier,
        "attempt": entry.attempt,
        "rank_low": summary.rank_low or "",
        "rank_high": summary.rank_high or "",
        "group": summary.group or "",
        "score": summary.iqm,
        "score_low": summary.low,
        "score_high": summary.high,
        "mean": summary.mean,
        "cvar10": summary.cvar,
        "worst": summary.worst,
        "worst_scenario": summary.worst_scenario,
        "behind": row.behind.point,
        "behind_low": row.behind.low,
        "behind_high": row.behind.high,
        **row.columns,
        "not_ranked": "; ".join(row.reasons),
        "package": entry.package,
        "record": digest(row.entered.record),
    }


def _cell(value: Any) -> str:
    """A number to six digits, or text in which no program finds a formula."""
    if isinstance(value, float):
        return f"{value:.6f}"
    return FORMULA.sub(r"\1\2'\3", str(value))


def bibtex(record: Record) -> str:
    """A BibTeX entry: the authors' work, and in which record it was judged."""
    entry, cited = record.entry, record.entry.citation
    key = re.sub(r"[^a-z0-9.-]", "", f"{record.season}-{entry.name}-{entry.version}")
    fields = {
        "author": " and ".join(f"{{{_latex(author.name)}}}" for author in entry.authors),
        "title": f"{{{_latex(cited.title)}}}",
        "year": str(cited.year),
        "howpublished": _latex(cited.venue) if cited.venue else None,
        "doi": cited.doi,
        "url": cited.url,
        "note": _latex(
            f"p2p_market leaderboard, season {record.season}: {entry.name} {entry.version}, "
            f"record {digest(record)}"
        ),
    }
    lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value is not None]
    return f"@misc{{{key},\n{''.join(lines)}}}\n"


def all_bibtex(board: Ranking) -> str:
    """BibTeX of all entries, by name."""
    rows = sorted(board.rows, key=lambda row: row.name)
    return "\n".join(bibtex(row.entered.record) for row in rows)


def _latex(text: str) -> str:
    """Text in which no command, comment or brace of LaTeX is left."""
    return text.translate(LATEX)


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n"


FORMATS: Final[Mapping[str, Callable[[Ranking], str]]] = {
    "marl-eval": marl_eval,
    "csv": table,
    "bibtex": all_bibtex,
}
"""Name of a format -> what writes it."""
