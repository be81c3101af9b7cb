"""How to cite a run: BibTeX and CFF with the digests that make it findable."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from p2p_market.evaluation.players.conduct import recorded_marks
from p2p_market.registry import recorded_track
from p2p_market.track import OPTIMUM

AUTHOR: Final = "YOUR NAME"
"""To be filled in: a record does not know who ran it."""

MOST_NAMED: Final = 4
"""So many policies are named in a title."""

SPECIAL: Final = {letter: f"\\{letter}" for letter in "#$%&_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def run_digest(record: Mapping[str, Any]) -> str:
    """Short digest over the trace digests of all policies and episodes of a run record."""
    digests = [
        digest
        for scenario in record["scenarios"]
        for policy in scenario["policies"]
        for digest in policy["digests"]
    ]
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def bibtex(record: Mapping[str, Any]) -> str:
    """A BibTeX entry for a run record; the author is to be filled in."""
    digest = run_digest(record)
    release = record["versions"]["p2p-market"]
    told = "".join(f"{_escaped(line)}; " for line in recorded_marks(record))
    return (
        f"@misc{{p2p_market_run_{digest},\n"
        f"  author = {{{{{AUTHOR}}}}},\n"
        f"  title = {{p2p\\_market {release}: {_escaped(_played(record))}, run {digest}}},\n"
        f"  year = {{{record['created_utc'][:4]}}},\n"
        f"  note = {{Run digest {digest}; {_data(record)}; {told}replay with p2p-market replay}}\n"
        "}\n"
    )


def cff(record: Mapping[str, Any]) -> str:
    """A CITATION.cff for a run record; the author is to be filled in."""
    digest = run_digest(record)
    names = [scenario["id"] for scenario in record["scenarios"]]
    content = {
        "cff-version": "1.2.0",
        "message": "If you use this run, please cite it as below.",
        "type": "dataset",
        "title": f"p2p_market: {_played(record)}, run {digest}",
        "authors": [{"name": AUTHOR}],
        "version": record["versions"]["p2p-market"],
        "date-released": record["created_utc"][:10],
        "identifiers": [
            {
                "type": "other",
                "value": f"sha256:{scenario['digest']}",
                "description": scenario["id"],
            }
            for scenario in record["scenarios"]
        ],
        "keywords": names,
    }
    if told := recorded_marks(record):
        content["abstract"] = "; ".join(told)
    text: str = yaml.safe_dump(content, sort_keys=False, width=100)
    return text


def _played(record: Mapping[str, Any]) -> str:
    """Which policies played in which scenarios; the ends of the scale are left out."""
    found = dict.fromkeys(
        policy["policy"]
        for scenario in record["scenarios"]
        for policy in scenario["policies"]
        if policy["policy"] not in (OPTIMUM, recorded_track(scenario).CARD.rule)
    )
    named = ", ".join(found) if len(found) <= MOST_NAMED else f"{len(found)} policies"
    ids = ", ".join(scenario["id"] for scenario in record["scenarios"])
    return f"{named or 'the ends of the scale'} on {ids}"


def _escaped(text: str) -> str:
    """A text with TeX's special characters escaped."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def _data(record: Mapping[str, Any]) -> str:
    found = {s["data"]["name"]: s["data"]["digest"][:12] for s in record["scenarios"]}
    return ", ".join(f"data {name} {digest}" for name, digest in sorted(found.items()))
