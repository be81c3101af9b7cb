"""The pages as text: templates filled with a season's contents."""

import base64
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment
from markupsafe import Markup

from leaderboard.ledger.tiers import RANKED, TIERS
from leaderboard.site import bars, learning, submissions, weeks
from leaderboard.site.content import DIVISIONS, Entry, Row, Site
from leaderboard.site.text import doi_link, link, markdown, reader, short
from p2p_market.evaluation.statistics.bootstrap import Interval
from report.table import NONE, amount

HERE: Final = Path(__file__).resolve().parent
PAGES: Final = (
    ("index.html", "Board"),
    ("compare.html", "Compare"),
    ("references.html", "References"),
    ("rules.html", "Rules"),
    ("cite.html", "How to cite"),
)
ENDS: Final = (0.0, 100.0)


BETTER: Final = {"low": "lower", "high": "higher"}


def render(site: Site) -> dict[str, str]:
    """Name of each page -> its text, in an order that depends on nothing but the site."""
    environment = _environment(site)
    rules = markdown(site.rules, site.docs)
    pages = {
        "index.html": _page(environment, "index.html", "Board", "board.html", _board(site)),
        "compare.html": _page(environment, "compare.html", "Compare", "compare.html", _pairs(site)),
        "references.html": _page(
            environment, "references.html", "References", "references.html", _references(site)
        ),
        "rules.html": _page(environment, "rules.html", "Rules", "rules.html", {"document": rules}),
        "cite.html": _page(
            environment,
            "cite.html",
            "How to cite",
            "cite.html",
            {"cite": site.cite, "example": _example(site)},
        ),
    }
    if site.submissions is not None:
        pages[submissions.PAGE] = _page(
            environment,
            submissions.PAGE,
            submissions.TITLE,
            "progress.html",
            {"table": Markup(submissions.framed(site.submissions, _published(site).get))},
        )
    for entry in site.entries:
        name = f"entries/{entry.row.id}.html"
        values = _entry(entry)
        pages[name] = _page(environment, name, entry.row.label, "entry.html", values)
    return pages


def content_policy() -> str:
    """What a browser may do on a page: our style, our script, nothing else."""
    return (
        f"default-src 'none'; script-src {_source('site.js')}; style-src {_source('site.css')}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source(name: str) -> str:
    digest = hashlib.sha256(_asset(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _environment(site: Site) -> Environment:
    """Templates that escape all they print, and show what hides in it."""
    environment = reader()
    environment.filters.update(
        amount=_amount,
        better=lambda direction: BETTER.get(direction, NONE),
        difference_bar=lambda found, scale: bars.bar(found, scale, (0.0,)),
        doi_link=doi_link,
        exact=_exact,
        link=link,
        said=bars.said,
        score_bar=lambda found, scale, kind="": bars.bar(found, scale, ENDS, kind),
    )
    environment.globals.update(
        docs=site.docs,
        season=site.season,
        columns=[column for column in site.season.columns if column.on_board],
        all_columns=site.season.columns,
        pages=PAGES if site.submissions is None else (*PAGES, submissions.LINK),
        policy=Markup(content_policy()),
        script=Markup(_asset("site.js")),
        style=Markup(_asset("site.css")),
    )
    return environment


def _page(
    environment: Environment, here: str, title: str, template: str, values: Mapping[str, Any]
) -> str:
    root = "../" * here.count("/")
    page = environment.get_template(template)
    return page.render(here=here, title=title, root=root, **values) + "\n"


def _published(site: Site) -> dict[str, bytes]:
    """What a visitor may know of places and packages, by the name of its file."""
    records = {submissions.record_of(entry.row.id): entry.record for entry in site.entries}
    return {**records, **dict(site.exports)}


def _board(site: Site) -> dict[str, Any]:
    references = [*site.division("reference"), *_ends(site)]
    policies = _by_score([*_ranked(site, "policy"), *references])
    methods = _by_score([*_ranked(site, "method"), *_ends(site)])
    listed = [row for row in site.division("policy", "method") if row.reasons]
    own = list(site.division("policy", "method"))
    return {
        "policies": policies,
        "methods": methods,
        "unrun": [row for row in listed if row.tier not in RANKED],
        "listed": [row for row in listed if row.tier in RANKED],
        "ends": len(_ends(site)),
        "exports": [name for name, _ in site.exports],
        "scale": bars.score_scale(row.score for row in (*policies, *methods, *listed)),
        "filters": (
            ("division", "Division", [d for d in DIVISIONS if any(r.division == d for r in own)]),
            ("kind", "Kind", sorted({short(row.kind, 40) for row in own})),
            ("tier", "Checked", [tier for tier in TIERS if any(row.tier == tier for row in own)]),
        ),
    }


def _ranked(site: Site, division: str) -> Iterator[Row]:
    return (row for row in site.division(division) if not row.reasons)


def _ends(site: Site) -> tuple[Row, Row]:
    """Both ends of the scale, which no entry can leave."""
    low, high = (
        Row("", name, "", (), "end", "", "", None, Interval(at, at, at), at, at, at, "", {})
        for name, at in ((f"{site.season.rule} = 0", ENDS[0]), ("optimum = 100", ENDS[1]))
    )
    return low, high


def _by_score(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.score.point, row.label))


def _references(site: Site) -> dict[str, Any]:
    references = _by_score([*site.division("reference"), *_ends(site)])
    tripwires = _by_score(list(site.division("tripwire")))
    return {
        "references": references,
        "tripwires": _by_score([*tripwires, *_ends(site)]) if tripwires else [],
        "scale": bars.score_scale(row.score for row in (*references, *tripwires)),
    }


def _pairs(site: Site) -> dict[str, Any]:
    return {
        "entries": site.entries,
        "labels": {entry.row.id: entry.row.label for entry in site.entries},
        "pairs": site.pairs,
        "scale": bars.difference_scale(pair.difference for pair in site.pairs),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    week, shown_week = entry.week, dict[str, Any]()
    if week is not None and week.picture is not None:
        shown_week = {
            "picture": weeks.picture(week, week.picture),
            "readings": weeks.readings(week, week.picture),
            "days": weeks.days(week, week.picture),
            "day_columns": week.picture.columns,
            "caption": week.picture.caption,
        }
    return {
        "entry": entry,
        "row": entry.row,
        "scale": bars.score_scale(score for _, score in entry.scenarios),
        "learning": entry.learning and learning.picture(entry.learning),
        "learnt": entry.learning and learning.caption(entry.learning),
        "week": week,
        "shown": shown_week,
    }


def _example(site: Site) -> str:
    """A sentence that quotes the best entry as it should be."""
    ranked = [row for row in site.division("policy") if row.ranks]
    if not ranked:
        return "none yet."
    row = ranked[0]
    low, high = row.ranks or (0, 0)
    rank = f"rank {low}" if low == high else f"ranks {low} to {high}"
    return (
        f"“{row.label} scores {bars.said(row.score)}, {rank} of the policy entries "
        f"(p2p_market, season {site.season.id}, {row.tier})”."
    )


def _amount(value: float | None, digits: int) -> str:
    return NONE if value is None else amount(value, digits)


def _exact(value: float | None) -> str:
    """A number as the script sorts it; nothing where there is none."""
    return "" if value is None or not math.isfinite(value) else repr(float(value))
