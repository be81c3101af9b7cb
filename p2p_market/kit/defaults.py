"""Functions of the contract as most tracks need them; a track imports them by their names."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from p2p_market.kit.episodes import Drawn
from p2p_market.records import BoolArray
from p2p_market.track import AnyScenario

D = TypeVar("D", bound=Drawn)
S = TypeVar("S")
E = TypeVar("E")


def stack(singles: Sequence[D]) -> D:
    """One batch out of several."""
    if len(singles) == 1:
        return singles[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in singles], axis=axis)
        for name, axis in _axes(singles[0]).items()
    }
    return replace(singles[0], keys=tuple(key for one in singles for key in one.keys), **columns)


def take(episode: D, number: int) -> D:
    """One of a batch, as a batch of one."""
    columns: dict[str, Any] = {
        name: np.take(getattr(episode, name), [number], axis=axis)
        for name, axis in _axes(episode).items()
    }
    return replace(episode, keys=(episode.keys[number],), **columns)


def digest(scenario: AnyScenario, episode: Drawn) -> str:
    """Of the scenario and of every array of a batch of one."""
    known = hashlib.sha256(scenario.digest.encode())
    for name in _axes(episode):
        known.update(getattr(episode, name).tobytes())
    return known.hexdigest()


def masks(scenario: object, role: str, observation: NDArray[Any]) -> BoolArray | None:
    """Every choice is allowed, or no column is one."""
    return None


def reads(scenario: object, episode: object, state: object) -> Mapping[str, BoolArray]:
    """Every column counts in every step."""
    return {}


def setting(scenario: S, episode: E) -> tuple[S, E]:
    """The optimum is played where policies play."""
    return scenario, episode


def _axes(episode: Drawn) -> dict[str, int]:
    """Axis of the batch in each array."""
    names = (field.name for field in fields(episode) if field.name != "keys")
    return {name: episode.BATCH_AXIS.get(name, 1) for name in names}
