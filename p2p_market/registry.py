"""From an id to a scenario and its environment, and from a policy's name to its code."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pettingzoo import ParallelEnv

from p2p_market.data.sources import stored_digest
from p2p_market.errors import ArgumentError, ScenarioError
from p2p_market.scenarios import path_of, read, scenario_ids, shipped_path, text_of
from p2p_market.track import OPTIMUM, AnyScenario, AnyTrack, Baseline
from p2p_market.tracks import extra, track, track_of

DEFAULT_TRACK: Final = "community"
"""Of scenario files without the key `track`."""

DEFAULT_SCENARIO: Final = "community-16-v0"
"""What a benchmark plays unless told otherwise."""

POPULATION: Final = "baselines.population.bots:FIRST"
"""`module:attribute` of the bots that play beside an agent in focus, imported on use."""

FILES: Final[Mapping[str, str]] = {
    ".onnx": "baselines.learners.onnx_policy.policy:from_file",  # a trained network
}
"""Ending of a file that holds a policy -> `module:factory`, called with scenario, path and role."""


def load_scenario(id_or_path: str | Path) -> Any:
    """Read, validate and build a scenario of any track.

    Who asks again gets the same record, with a year's prices and skies, until the file changes.

    Args:
        id_or_path: id of a shipped scenario, or path of a YAML file.

    Raises:
        ScenarioError: if it is unknown, breaks the schema, or breaks a rule of its track.
    """
    specification = read_scenario(id_or_path).model_dump_json()
    return _built(specification, str(id_or_path), _stored(specification))


def read_scenario(id_or_path: str | Path) -> Any:
    """Read and validate a scenario file, without its data.

    Raises:
        ScenarioError: if it is unknown, breaks the schema, or takes the id of a shipped scenario.
    """
    path = path_of(id_or_path)
    spec = parse(text_of(path), path.name, path)
    published = shipped_path(spec.id)
    if published is not None and path.resolve() != published.resolve():
        raise ScenarioError(f"{path}: the id {spec.id} is published; give your file another id")
    return spec


def of_default_track() -> list[str]:
    """Ids of the shipped scenarios of the default track: one policy can play in all of them."""
    return [name for name in scenario_ids() if read_scenario(name).track == DEFAULT_TRACK]


def parse(text: str, name: str = "scenario", path: Path | None = None) -> Any:
    """Validate the text of a scenario file; errors name file, line and field.

    A file with `extends: <id of a shipped scenario, or another file>` takes every key from there
    that it lacks.

    Args:
        text: of the file.
        name: of the file, for errors.
        path: of the file; names of other files begin at its folder, or at the working folder.

    Raises:
        ScenarioError: if the text is not YAML, names no track, or breaks the track's schema.
    """
    folder, chain = (path.parent, (path.resolve(),)) if path is not None else (None, ())
    content = read(text, name, folder, chain)
    asked = content.values.get("track", DEFAULT_TRACK)
    try:
        found = track(asked if isinstance(asked, str) else str(asked)[:60])
    except ScenarioError as error:
        line = content.line(("track",))
        raise ScenarioError(f"{name}: {f'line {line}: ' if line else ''}track: {error}") from error
    return found.read(content.values, name, content.line)


def scenario_of(specification: str) -> Any:
    """A scenario from its file as JSON, as records hold it and processes send it.

    Raises:
        ScenarioError: if it breaks a rule of its track.
    """
    return _built(specification, "", _stored(specification))


def _stored(specification: str) -> str:
    """What the user's cache holds of a scenario's data: imported again, it is another scenario."""
    values = json.loads(specification)
    names = (values.get(key) for key in ("data", "prices"))
    return "+".join(stored_digest(name) for name in names if isinstance(name, str))


@lru_cache(maxsize=32)
def _built(specification: str, source: str, stored: str) -> Any:
    values = json.loads(specification)
    found = track(values.get("track", DEFAULT_TRACK))
    return found.build(found.read(values, source or "scenario", None), source)


def make(
    scenario_id: str, render_mode: str | None = None, info: str = "lean"
) -> ParallelEnv[Any, Any, Any]:
    """The environment of a scenario, a shipped one exactly as published.

    Args:
        scenario_id: for example "community-16-v0"; `p2p-market scenarios` lists them. Or the name
            of a YAML file of your own.
        render_mode: None, "ansi" or "rgb_array".
        info: "lean" or "full" infos.

    Raises:
        ScenarioError: if there is no such scenario, or the file breaks a rule.
    """
    return parallel_env(load_scenario(scenario_id), render_mode, info)


def parallel_env(
    scenario: AnyScenario, render_mode: str | None = None, info: str = "lean"
) -> ParallelEnv[Any, Any, Any]:
    """The environment of any scenario, for example one built from a file of your own."""
    return track_of(scenario).environment(scenario, render_mode, info)


def make_batch(
    scenario_id: str,
    batch: int,
    threads: int = 1,
    split: str = "train",
    role: str | None = None,
    others: Mapping[str, Any] | None = None,
) -> Any:
    """Many communities of a scenario at once: arrays in, arrays out, automatic reset.

    Args:
        scenario_id: as in `make`.
        batch: number of communities.
        threads: how many of them play at a time; no result depends on it.
        split: part of the year that episodes are drawn from.
        role: whose agents act, where there are several roles; None: all roles act.
        others: role -> policy or baseline of the other roles, of which one that is left out plays
            its rule; None: they rest.

    Raises:
        ScenarioError: if there is no such scenario or role, or its track has no batches.
        ArgumentError: if `others` names an unknown role or baseline, or is given without a role.
    """
    scenario = load_scenario(scenario_id)
    batched = extra(scenario, "batch")
    if batched is None:
        raise ScenarioError(f"{scenario_id}: track {scenario.spec.track!r} has no batches")
    found = batched(scenario, batch, threads, split)
    if role is None:
        if others is not None:
            raise ArgumentError("others play beside one role; give it as role=...")
        return found
    if not hasattr(found, "for_role"):
        raise ScenarioError(f"{scenario_id}: its batches take no role; leave it out")
    return found.for_role(role, others)


def baselines(scenario: AnyScenario) -> Mapping[str, Baseline]:
    """Name -> baseline of the scenario's track; the optimum is not among them."""
    return track_of(scenario).CARD.baselines


def named(scenario: AnyScenario) -> tuple[str, ...]:
    """Every name that a policy may be asked for by in a scenario."""
    return (*baselines(scenario), OPTIMUM)


def rule_of(scenario: AnyScenario) -> str:
    """The baseline at 0."""
    return track_of(scenario).CARD.rule


def recorded_track(entry: Mapping[str, Any]) -> AnyTrack:
    """The track of a scenario in a record.

    Raises:
        ScenarioError: if there is no such track here.
    """
    return track(str(entry["specification"].get("track", DEFAULT_TRACK)))
