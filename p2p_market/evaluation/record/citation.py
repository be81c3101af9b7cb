"""How to cite a run: BibTeX and CFF with the digests that make it findable."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from p2p_market.evaluation.players.conduct import recorded_marks

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
    """A BibTeX entry for a run record."""
    digest = run_digest(record)
    names = ", ".join(scenario["id"] for scenario in record["scenarios"])
    release = record["versions"]["p2p-market"]
    told = "".join(f"{_escaped(line)}; " for line in recorded_marks(record))
    return (
        f"@misc{{p2p_market_run_{digest},\n"
        "  author = {{The p2p\\_market developers}},\n"
        f"  title = {{p2p\\_market {release}: run {digest} on {names}}},\n"
        f"  year = {{{record['created_utc'][:4]}}},\n"
        f"  note = {{Run digest {digest}; {_data(record)}; {told}replay with p2p-market replay}}\n"
        "}\n"
    )


def cff(record: Mapping[str, Any]) -> str:
    """A CITATION.cff for a run record."""
    digest = run_digest(record)
    names = [scenario["id"] for scenario in record["scenarios"]]
    content = {
        "cff-version": "1.2.0",
        "message": "If you use this run, please cite it as below.",
        "type": "dataset",
        "title": f"p2p_market run {digest} on {', '.join(names)}",
        "authors": [{"name": "The p2p_market developers"}],
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


def _escaped(text: str) -> str:
    """A text in which TeX finds no command."""
    return "".join(SPECIAL.get(letter, letter) for letter in text)


def _data(record: Mapping[str, Any]) -> str:
    found = {s["data"]["name"]: s["data"]["digest"][:12] for s in record["scenarios"]}
    return ", ".join(f"data {name} {digest}" for name, digest in sorted(found.items()))
