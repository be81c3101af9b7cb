"""A warm start: what an expert does in training weeks, before the first update of PPO."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.collect import first_seed
from baselines.learners.ppo.decision import Decision
from baselines.learners.ppo.network import Actor, Inputs
from p2p_market.community.episode.episode import Episode, choose_key, draw, stack
from p2p_market.community.optimum.plan import plan_actions
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import Planner, Policy, load_policy
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.records import Float32Array

SPLIT: Final = "train"


@dataclass
class Watched:
    """A policy, and what it saw and did."""

    policy: Policy
    seen: list[Float32Array] = field(default_factory=list)  # (batch, agent, feature) per step
    done: list[NDArray[Any]] = field(default_factory=list)  # (batch, agent, column) per step

    def start(self, seeds: Sequence[int]) -> Any:
        """Memory of the policy."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[NDArray[Any], Any]:
        """Actions of the policy."""
        action, memory = self.policy.act(observation, memory)
        self.seen.append(observation.copy())
        self.done.append(action.copy())
        return action, memory


@dataclass(frozen=True, slots=True)
class Lessons:
    """What an expert saw and did; a row of a community is a sequence."""

    rows: Tensor  # (step, row, column)
    outputs: Tensor  # (step, row, output); nan where nothing was to be decided


def lessons(scenario: Scenario, decision: Decision, args: Args) -> Lessons:
    """Let the expert play training weeks that the seed draws.

    Raises:
        PolicyError: if there is no such expert, or its solver is not installed.
    """
    keys = [choose_key(scenario, first_seed(args) + i, SPLIT) for i in range(args.imitate_weeks)]
    singles = [draw(scenario, key) for key in keys]
    watched = Watched(_expert(scenario, args.imitate, singles))
    rollout(scenario, stack(singles), watched, args.imitate)
    rows = [torch.from_numpy(decision.rows(seen)) for seen in watched.seen]
    outputs = [
        torch.from_numpy(decision.outputs(seen, done.astype(np.float64)).astype(np.float32))
        for seen, done in zip(watched.seen, watched.done, strict=True)
    ]
    return Lessons(torch.stack(rows).flatten(1, 2), torch.stack(outputs).flatten(1, 2))


def _expert(scenario: Scenario, name: str, episodes: Sequence[Episode]) -> Policy:
    """Plays these episodes, the optimum with foresight."""
    found = load_policy(name, scenario)
    if isinstance(found, Policy):
        return found
    if not isinstance(found, Planner):
        raise PolicyError(f"imitate {name!r}: neither acts on observations nor makes a plan")
    plans = [plan_actions(scenario, each, found.plan(each).schedule) for each in episodes]
    return Recorded(np.concatenate(plans, axis=1))


def imitate(
    inputs: Inputs, actor: Actor, taught: Lessons, args: Args, generator: torch.Generator
) -> float:
    """Fit the actor's means to what the expert put out.

    Returns:
        Root of the mean squared error in the last epoch.
    """
    optimiser = torch.optim.Adam(actor.parameters(), lr=args.learning_rate)
    rows, outputs = taught.rows, taught.outputs
    if not args.memory:
        rows, outputs = rows.flatten(0, 1)[None], outputs.flatten(0, 1)[None]
    steps, count = rows.shape[:2]
    for _ in range(args.imitate_epochs):
        squares = []
        order = torch.randperm(count, generator=generator)
        for chosen in torch.split(order, max(1, args.minibatch // steps)):
            with torch.no_grad():
                shown = inputs(rows.index_select(1, chosen))
            wanted = outputs.index_select(1, chosen)
            means, _ = actor(shown, actor.nothing(len(chosen)))
            error = torch.where(wanted.isnan(), 0.0, means - wanted.nan_to_num()).square().mean()
            optimiser.zero_grad(set_to_none=True)
            error.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(actor.parameters(), args.gradient_norm)
            optimiser.step()
            squares.append(float(error.detach()))
    return float(np.sqrt(np.mean(squares)))
