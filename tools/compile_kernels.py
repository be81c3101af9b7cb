"""What first steps compile, compiled once and kept on disk.

    python -m tools.compile_kernels

Tests in several processes that begin together would each compile it. Scenarios of one form, with
the same options, take the same code; so one of each form is played, each in a process of its own.
"""

from concurrent.futures import ProcessPoolExecutor
from typing import cast

from p2p_market.evaluation.players.policy import Policy, load_cast
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario, make
from p2p_market.scenarios import scenario_ids
from p2p_market.track import AnyScenario
from p2p_market.tracks import track_of

OPTIONS = ("voltage", "coordination")


def form(scenario: AnyScenario) -> tuple[object, ...]:
    """The track of a scenario, and which options it has that are code of their own."""
    nodes = getattr(scenario, "nodes", None)
    options = (getattr(scenario.spec, name, None) for name in OPTIONS)
    parts = (getattr(nodes, "machines", None), *options)
    return scenario.spec.track, *(part is not None for part in parts)


def begin(name: str) -> None:
    """Play a step of a scenario's environment, and an episode of the engine in plain Python."""
    env = make(name)
    env.reset(seed=0)
    env.step({agent: env.action_space(agent).sample() for agent in env.agents})
    scenario = load_scenario(name)
    track = track_of(scenario)
    (key, *_), *_ = track.keys(scenario, "test", 0)
    rule = cast(dict[str, Policy], load_cast(track.CARD.rule, scenario))
    rollout(scenario, track.draw(scenario, key), rule)


if __name__ == "__main__":
    forms = {form(load_scenario(name)): name for name in scenario_ids()}
    with ProcessPoolExecutor() as pool:
        list(pool.map(begin, forms.values()))
