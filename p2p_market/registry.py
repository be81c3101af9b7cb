"""`make`: from a scenario's id to an environment; and where the baselines are."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Final

from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.scenario.scenario import Scenario, build, read_scenario
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.errors import ScenarioError
from p2p_market.tracks import TRACKS

BASELINES: Final[Mapping[str, str]] = {
    "no-trade": "p2p_market.community.rules.policy:no_trade",  # the 0 of the scale
    "truthful": "p2p_market.community.rules.policy:truthful",  # orders at the price of the grid
    "zero-intelligence": "p2p_market.community.rules.zero_intelligence:constrained",
    "zip": "p2p_market.community.rules.zip:plus",  # margins that learn
    "gjerstad-dickhaut": "p2p_market.community.rules.gjerstad_dickhaut:believing",
    "storage-value": "baselines.community.storage_value.policy:bidder",
    "random": "p2p_market.community.rules.random_actions:uniform",  # random everything
    "optimum": "baselines.community.optimal.policy:optimum",  # the 100 of the scale
}
"""Name of a baseline -> `module:factory`, imported on use; a benchmark plays them all."""

PLANNING: Final[Mapping[str, str]] = {
    "mpc-alone-warm": "baselines.community.mpc.warm:alone",  # each member for itself
    "mpc-community-warm": "baselines.community.mpc.warm:community",  # one plan for all
}
"""Players that solve a program in every hour; a benchmark plays them too."""

COLD: Final[Mapping[str, str]] = {
    "mpc-alone": "baselines.community.mpc.policy:alone",
    "mpc-community": "baselines.community.mpc.policy:community",
}
"""The planners of published boards, which solve from nothing in every hour; they take six times
as long and are played where asked for (`-p`)."""

REFERENCES: Final[Mapping[str, str]] = {
    "mpc-foresight": "baselines.community.mpc.foresight:foresight",  # knows the future
}
"""Players that see what nobody can; they are played where asked for (`-p`)."""

DEFAULT_SCENARIO: Final = "community-16-v0"
"""What a benchmark plays unless told otherwise."""

POPULATION: Final = "baselines.population.bots:FIRST"
"""`module:attribute` of the bots that play beside an agent in focus, imported on use."""

KNOWN: Final[Mapping[str, str]] = {**BASELINES, **PLANNING, **COLD, **REFERENCES}
"""Every name that a policy may be asked for by."""

FILES: Final[Mapping[str, str]] = {
    ".onnx": "baselines.learners.onnx_policy.policy:from_file",  # a trained network
}
"""Ending of a file that holds a policy -> `module:factory`, called with scenario and path."""


def target_of(policy: str) -> str:
    """`module:factory` behind the name, the file or the `module:factory` of a policy."""
    return FILES.get(PurePath(policy).suffix, KNOWN.get(policy, policy))


def make(scenario_id: str, render_mode: str | None = None, info: str = "lean") -> CommunityEnv:
    """The environment of a scenario, a shipped one exactly as published.

    Args:
        scenario_id: for example "community-16-v0"; `p2p-market scenarios` lists them. Or the name
            of a YAML file of your own.
        render_mode: None, "ansi" or "rgb_array".
        info: "lean" or "full" infos, see `CommunityEnv`.

    Raises:
        ScenarioError: if there is no such scenario, or the file breaks a rule.
    """
    return parallel_env(_shared(scenario_id), render_mode, info)


def _shared(id_or_path: str) -> Scenario:
    """Environments of one scenario share it, with a year's prices and skies, until it changes."""
    return _built(read_scenario(id_or_path).model_dump_json(), id_or_path)


@lru_cache(maxsize=16)
def _built(specification: str, id_or_path: str) -> Scenario:
    return build(ScenarioSpec.model_validate_json(specification), id_or_path)


def parallel_env(
    scenario: Scenario, render_mode: str | None = None, info: str = "lean"
) -> CommunityEnv:
    """The environment of any scenario, for example one built from an own file."""
    track = scenario.spec.track
    if track not in TRACKS:
        raise ScenarioError(f"{scenario.spec.id}: track {track!r}; known are: {', '.join(TRACKS)}")
    return TRACKS[track](scenario, render_mode=render_mode, info=info)


def make_batch(
    scenario_id: str, batch: int, threads: int = 1, split: str = "train"
) -> CommunityBatch:
    """Many communities of a scenario at once: arrays in, arrays out, automatic reset.

    Args:
        scenario_id: as in `make`.
        batch: number of communities.
        threads: how many of them play at a time; no result depends on it.
        split: part of the year that episodes are drawn from.

    Raises:
        ScenarioError: if there is no such scenario.
    """
    return CommunityBatch(_shared(scenario_id), batch, threads, split)
