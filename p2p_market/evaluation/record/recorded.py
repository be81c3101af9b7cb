"""What is read from a run record: all of it is checked before anything is used."""

import json
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import model_validator as checked

from p2p_market.errors import ReplayError, ScenarioError, UsageError
from p2p_market.evaluation.players.answers import SOUND, Answers
from p2p_market.evaluation.players.conduct import UNKNOWN, Conduct
from p2p_market.records import IntArray
from p2p_market.registry import recorded_track
from p2p_market.track import OPTIMUM
from p2p_market.validation import explain

SCHEMA: Final = "p2p_market/run/1"
RECORD_NAME: Final = "run.json"

Word = Annotated[str, StringConstraints(pattern=r"^[ -~]+$", max_length=200)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+-]+$")]
Money = Annotated[float, Field(ge=-1e15, le=1e15)]  # EUR
Count = Annotated[int, Field(ge=0)]


class Read(BaseModel):
    """Fields of other versions are ignored."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class DataRead(Read):
    """The data set of a scenario."""

    name: Word
    digest: Digest


class EpisodeRead(Read):
    """Which episode was played."""

    split: Word
    start_day: Annotated[int, Field(ge=0, le=1000)]
    seed: Count


class Proof(Read):
    """The optimum's certificate of an episode."""

    plan_eur: Money
    bound_eur: Money
    replay_eur: Money
    mixed_integer: bool = False
    holds: bool


class PolicyRead(Read):
    """What a policy did in all episodes."""

    policy: str
    score: dict[str, float]
    social_cost_eur: list[Money]  # one per episode
    digests: list[Digest]  # the same; empty if it never acted
    actions: str | None  # file, below the run's folder; None if it never acted
    conduct: Conduct = UNKNOWN
    answers: Answers = SOUND

    @checked(mode="after")
    def _acted(self) -> "PolicyRead":
        if self.actions is None and (self.digests or self.conduct.failure is None):
            raise ValueError("only a policy that failed before it acted has no actions")
        return self


class ScenarioRead(Read):
    """One scenario."""

    id: Word
    digest: Digest
    specification: dict[str, Any]
    data: DataRead
    episodes: Annotated[list[EpisodeRead], Field(min_length=1)]
    units: list[Count] | None = None  # unit of each episode; None: each is one
    certificates: list[Proof]
    policies: list[PolicyRead]

    @checked(mode="after")
    def _fits(self) -> "ScenarioRead":
        if self.specification.get("id") != self.id:
            raise ValueError("id is not that of the specification")
        names, count = [one.policy for one in self.policies], len(self.episodes)
        try:
            rule = recorded_track({"specification": self.specification}).CARD.rule
        except ScenarioError as error:
            raise ValueError(str(error)) from None
        if not {rule, OPTIMUM} <= set(names) or len(set(names)) < len(names):
            raise ValueError(f"policies must be {rule}, {OPTIMUM} and others, each once")
        series: tuple[Sized, ...] = (
            self.certificates,
            self.episodes if self.units is None else self.units,
            *(one.social_cost_eur for one in self.policies),
            *(one.digests for one in self.policies if one.actions is not None),
        )
        if any(len(one) != count for one in series):
            raise ValueError(f"there are {count} episodes, but not one value for each")
        return self


class RunRead(Read):
    """A run."""

    model_config = ConfigDict(serialize_by_alias=True)

    form: Annotated[Literal["p2p_market/run/1"], Field(alias="schema")]
    created_utc: Time
    versions: dict[Word, Word]
    summary: list[dict[str, Any]] = []
    scenarios: list[ScenarioRead]

    @checked(mode="after")
    def _says_something(self) -> "RunRead":
        if not self.scenarios:
            raise ValueError("it holds no scenario")
        ids = [entry.id for entry in self.scenarios]
        if twice := [name for name in dict.fromkeys(ids) if ids.count(name) > 1]:
            raise ValueError(f"scenarios: {', '.join(twice)} is listed more than once")
        if "p2p-market" not in self.versions:
            raise ValueError("versions: p2p-market is missing")
        return self


def recorded_units(entry: Mapping[str, Any]) -> IntArray:
    """Number of the unit of each episode in a scenario of a record, (episode,)."""
    return np.array(entry.get("units", range(len(entry["episodes"]))))


def read_run(folder: Path) -> dict[str, Any]:
    """The record of a run folder, as it stands in its file.

    Raises:
        UsageError: if it is missing.
        ReplayError: if it is damaged, or not a record of a run.
    """
    path = folder / RECORD_NAME
    try:
        content = path.read_bytes()
        RunRead.model_validate_json(content)
        record: dict[str, Any] = json.loads(content)
    except OSError as error:
        raise UsageError(
            f"{folder}: not a run record: no {RECORD_NAME} that can be read "
            f"({error.strerror or error}); give the folder of a run{_such_as(folder)}"
        ) from error
    except ValidationError as error:
        raise ReplayError(f"{path}: not a run record: {first_wrong(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ReplayError(f"{path}: not a run record: {error}") from error
    return record


def _such_as(folder: Path) -> str:
    """The newest run beside a folder that is none, as the end of a sentence."""
    runs = [path for path in folder.parent.glob(f"*/{RECORD_NAME}") if path.is_file()]
    if not runs:
        return ""
    newest = max(runs, key=lambda path: (path.stat().st_mtime, path.parent.name))
    return f", such as {newest.parent}"


def first_wrong(error: ValidationError) -> str:
    """The first field that is wrong, and how."""
    return explain(error, most=1)
