"""Tracks by name: those of this package, and those that an installed package brings along.

Another package lists its track in the entry-point group `p2p_market.tracks`: the name, and the
module that keeps the contract of `p2p_market.track`. Nothing of it is imported before a scenario
asks for it.
"""

import importlib
import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import ScenarioError
from p2p_market.loading import load
from p2p_market.track import AnyEpisode, AnyScenario, AnyTrack, Joint

TRACKS: Final[Mapping[str, str]] = {
    "community": "p2p_market.community.track",  # prosumers, an auction, the grid as fallback
    "battery": "p2p_market.battery.track",  # large batteries in four markets
    "wholesale": "p2p_market.wholesale.track",  # a power system in five-minute steps
}
"""Name of a track of this package -> its module, imported on use."""

GROUP: Final = "p2p_market.tracks"


@lru_cache(maxsize=16)
def track(name: str) -> AnyTrack:
    """A track by name.

    Raises:
        ScenarioError: if there is none, or its module cannot be imported.
    """
    module = module_of(name)
    try:
        return cast(AnyTrack, importlib.import_module(module))
    except ImportError as error:
        raise ScenarioError(f"track {name!r}: cannot import {module!r} ({error})") from error


def module_of(name: str) -> str:
    """The module of a track.

    Raises:
        ScenarioError: if there is no such track.
    """
    module = TRACKS.get(name) or _of_others().get(name)
    if module is None:
        known = ", ".join([*TRACKS, *_of_others()])
        raise ScenarioError(f"unknown track {name!r}; known: {known}")
    return module


def package_of(name: str) -> dict[str, str]:
    """Name and version of the package that brings a track along; empty for those of this one."""
    if name in TRACKS:
        return {}
    found = (entry.dist for entry in entry_points(group=GROUP, name=name))
    return {dist.name: dist.version for dist in found if dist is not None}


def track_of(scenario: AnyScenario) -> AnyTrack:
    """The track of a scenario."""
    return track(scenario.spec.track)


def extra(scenario: AnyScenario, name: str) -> Any:
    """What a track has beside the contract (see `EXTRAS`), imported; None if it has none."""
    target = track_of(scenario).CARD.extras.get(name)
    return None if target is None else load(target)


def counted(
    scenario: AnyScenario, episode: AnyEpisode, state: Any, actions: Joint
) -> dict[str, NDArray[Any]]:
    """Actions as a step takes and a record keeps them: at rest in columns that do not count now."""
    found = track_of(scenario)
    kept = found.reads(scenario, episode, state)
    rest = {role.name: role.rest for role in found.roles(scenario)} if kept else {}
    return {
        role: np.where(kept[role], own, rest[role]).astype(own.dtype) if role in kept else own
        for role, own in actions.items()
    }


def folder_beside(name: str, folder: str) -> Path | None:
    """A folder beside the module of a track of another package; it need not be there.

    None for the tracks of this package, and where the module is not found. Of the other package
    nothing is imported but what is around the module.
    """
    module = None if name in TRACKS else _of_others().get(name)
    try:
        spec = None if module is None else importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / folder


def of_other_packages() -> tuple[str, ...]:
    """Names of the tracks that installed packages bring along."""
    return tuple(name for name in _of_others() if name not in TRACKS)


def _of_others() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}
