"""`result.json`: what an entry did in every episode of a season.

There is no score and no rank here: `ranking` makes them of the episodes, so that no two
places disagree. Nor does a record say how far it may be trusted: the ledger does.
"""

import hashlib
import json
from typing import Annotated, Any, Final, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)

from leaderboard.forms import (
    Count,
    Digest,
    FileName,
    Id,
    Name,
    Section,
    Slug,
    Text,
    Version,
    complaints,
)
from leaderboard.package.manifest import Author, Citation, Training
from leaderboard.tracks import card, track_name
from p2p_market.errors import RecordError, ScenarioError

NAME: Final = "result.json"
FORMAT: Final = "p2p-market-result/1"
FAULTS: Final = ("number", "frame", "late", "dead")
"""Kinds of a faulty step: nan or infinity, an answer of a wrong form, none in time, no process."""

FaultCounts = dict[Literal["number", "frame", "late", "dead"], Annotated[int, Field(ge=1)]]


Held = Annotated[str, StringConstraints(max_length=1000)]


class Entry(Section):
    """Who played, as the manifest says."""

    name: Slug
    version: Version
    package: Digest  # identity of what was submitted
    division: Literal["policy", "method", "reference", "tripwire"]
    kind: Literal["onnx", "rules", "python", "baseline"]
    authors: Annotated[list[Author], Field(min_length=1, max_length=30)]
    training: Training
    citation: Citation
    attempt: Annotated[int, Field(ge=1)] = 1
    roles: Annotated[list[Name], Field(min_length=1, max_length=16)] | None = None
    """That it plays, while the others play their rule; None: all of the track."""

    @model_serializer(mode="wrap")
    def _as_before(self, plain: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Where it plays all roles nothing is said of them, as in older records."""
        told: dict[str, Any] = plain(self)
        return {key: each for key, each in told.items() if key != "roles" or each is not None}


class Environment(Section):
    """What it was played with."""

    p2p_market: Text  # version
    versions: dict[Text, Text]  # numpy, numba, onnxruntime
    scenarios: dict[Id, Digest]  # each board as it is shipped, before a draw
    population: Text  # `module:attribute`
    sandbox: Held  # what held the policy's process, in each way that there was


class Played(Section):
    """One episode of one file of the package."""

    file: FileName  # a network, or the rule's file
    scenario: Id
    draw: Count  # place among the draws of the scenario
    faults: FaultCounts  # kind -> steps
    failed: bool  # too many faults: the floor counts
    trace: FileName
    trace_sha256: Digest  # of the safetensors bytes, before they are packed
    chain: Digest  # the engine's digests, linked over all steps


class Episode(Played):
    """The file in all seats; if it failed, the cost is the floor, the rest what was played."""

    cost_eur: float  # social cost; score = (rule - cost) / (rule - best)
    rule_eur: float  # of the rule at 0
    best_eur: float  # of the optimum, or its bound where the program has whole numbers
    metrics: dict[Text, float]  # name among those of the scenario's track -> value
    saved_eur: Annotated[list[float], Field(min_length=1)]  # of each agent, against the rule
    steps: Count
    seconds: Annotated[float, Field(ge=0.0)]  # of the policy; says nothing about the score

    @model_validator(mode="after")
    def _all_metrics(self) -> "Episode":
        try:
            known = card(track_name(self.scenario)).metrics
        except ScenarioError as error:
            raise ValueError(str(error)) from None
        if self.metrics.keys() != known.keys():
            raise ValueError(f"metrics must be {', '.join(known)}")
        return self


class FocalEpisode(Played):
    """The file in one seat, bots of the population in all others."""

    seat: Count
    cost_eur: float  # private cost of the seat
    alone_eur: float  # under the rule at 0
    truthful_eur: float  # where the seat plays what others are measured against
    others_gain_eur: float  # what all others save since the seat does not play that


class Record(Section):
    """All that an entry did in a season."""

    format: Literal["p2p-market-result/1"] = FORMAT
    season: Id
    season_digest: Digest
    entry: Entry
    environment: Environment
    platform: dict[Text, Text]
    episodes: list[Episode]
    focal: list[FocalEpisode]
    created_utc: Annotated[
        str, StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z$")
    ]


def canonical(record: Section) -> bytes:
    """The canonical form of a record (or of a part of it): what is hashed and signed."""
    return json.dumps(
        record.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()


def digest(record: Section) -> str:
    """SHA-256 of the canonical bytes."""
    return hashlib.sha256(canonical(record)).hexdigest()


def parse(text: bytes) -> Record:
    """A record out of its file, which holds the canonical bytes and a line's end.

    Raises:
        RecordError: naming every field that is wrong.
    """
    try:
        record = Record.model_validate_json(text)
    except ValidationError as error:
        raise RecordError(f"{NAME}: {complaints(error)}") from None
    if text != canonical(record) + b"\n":
        raise RecordError(f"{NAME}: is not in the canonical spelling; take the file as published")
    return record
