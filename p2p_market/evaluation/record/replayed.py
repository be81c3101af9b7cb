"""What was played, out of the files of a run: episodes drawn anew, actions played again."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import ReplayError, UsageError
from p2p_market.evaluation.ends.plan_store import DAMAGES
from p2p_market.evaluation.players.conduct import recorded_conduct
from p2p_market.evaluation.players.failure import described
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.registry import scenario_of
from p2p_market.track import OPTIMUM, AnyEpisode, AnyScenario, EpisodeKey, Joint, Trajectory
from p2p_market.tracks import track_of


@dataclass(frozen=True, slots=True)
class Replayed:
    """All episodes of one policy in one scenario of a run."""

    scenario: AnyScenario
    episode: AnyEpisode  # a batch, in the order of the record
    played: Trajectory


def replayed_play(folder: Path, scenario: str, policy: str) -> Replayed:
    """What a policy did in a scenario of a recorded run, played again from its actions.

    Args:
        folder: of the run.
        scenario: its id.
        policy: as the record names it.

    Raises:
        UsageError: if there is no record in the folder, or no such scenario or policy in it.
        ReplayError: if the record or its actions are damaged, or the policy never acted.
    """
    entries = {one["id"]: one for one in read_run(folder)["scenarios"]}
    entry = _one_of(folder, "scenario", entries, scenario)
    policies = {one["policy"]: one for one in entry["policies"]}
    chosen = _one_of(folder, "policy", policies, policy)
    made = scenario_of(json.dumps(entry["specification"]))
    track = track_of(made)
    keys = [EpisodeKey(**key) for key in entry["episodes"]]
    episode = track.stack([track.draw(made, key) for key in keys])
    played = play_again(folder, made, episode, chosen)
    if played is None:
        raise ReplayError(f"{folder}: {policy} failed in {scenario} before it acted")
    return Replayed(made, episode, played)


def _one_of(folder: Path, what: str, known: Mapping[str, Any], name: str) -> Any:
    if name not in known:
        raise UsageError(f"{folder}: no {what} {name!r} in this run; there is {', '.join(known)}")
    return known[name]


def in_file(actions: Joint) -> dict[str, NDArray[Any]]:
    """Actions under their names in a file: `actions` of the only role, else one name per role."""
    if len(actions) == 1:
        return dict(zip(("actions",), actions.values(), strict=True))
    return dict(actions)


def out_of_file(scenario: AnyScenario, arrays: Mapping[str, NDArray[Any]]) -> Joint:
    """Actions of all roles out of a file.

    Raises:
        KeyError: if a role is not there.
    """
    names = [role.name for role in track_of(scenario).roles(scenario)]
    return {name: arrays["actions" if len(names) == 1 else name] for name in names}


def play_again(
    folder: Path, scenario: AnyScenario, episode: AnyEpisode, entry: Mapping[str, Any]
) -> Trajectory | None:
    """What was played, up to a failure; None if the policy never acted."""
    failure = recorded_conduct(entry).failure
    steps = scenario.steps if failure is None else failure.step or 0
    if steps == 0:
        return None
    path = (folder / entry["actions"]).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ReplayError(f"{folder}: actions outside the run's folder: {entry['actions']}")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            actions = out_of_file(scenario, {name: archive[name] for name in archive.files})
    except DAMAGES as error:
        what = "there is none" if isinstance(error, FileNotFoundError) else described(error)
        raise ReplayError(f"{path}: the actions cannot be read: {what}") from error
    track = track_of(scenario)
    for role in track.roles(scenario):
        shape = (steps, episode.batch, len(role.agents), len(role.columns))
        if (found := actions[role.name].shape) != shape:
            raise ReplayError(f"{path}: actions have shape {found}, needed: {shape}")
    if entry["policy"] == OPTIMUM:
        scenario, episode = track.setting(scenario, episode)
    return rollout(scenario, episode, recorded(actions), entry["policy"], steps=steps)
