"""Tracks by name: those of this package, and those that an installed package brings along.

Another package lists its track in the entry-point group `p2p_market.tracks`: the name, and the
module that keeps the contract of `p2p_market.track`. Nothing of it is imported before a scenario
asks for it.
"""

import importlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any, Final, cast

from p2p_market.errors import ScenarioError
from p2p_market.loading import load
from p2p_market.track import AnyScenario, AnyTrack

TRACKS: Final[Mapping[str, str]] = {
    "community": "p2p_market.community.track",  # prosumers, an auction, the grid as fallback
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


def _of_others() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group=GROUP)}
