"""Play a policy through whole episodes, many communities at once, and keep what metrics need."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market import engine
from p2p_market.actions import action_map, to_proposal
from p2p_market.episode import Episode, choose_key, draw, policy_seed
from p2p_market.evaluation.policy import Informed, Planner, Policy, ask, checked_action
from p2p_market.observation import observe
from p2p_market.records import FloatArray, IntArray, Outcome, Record, State
from p2p_market.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Trajectory(Record):
    """One batch of episodes as it was played; series are `(step, batch, agent)`."""

    policy: str
    actions: NDArray[Any]  # (step, batch, agent, column), normalised, as the policy gave them
    net_load_kw: FloatArray  # after the filter, the feeder and emergency dispatch
    curtailed_kw: FloatArray
    shed_kw: FloatArray
    setpoint_kw: FloatArray  # (step, batch, agent, asset)
    energy_kwh: FloatArray  # (step, batch, agent, asset), after the step
    fill_kw: FloatArray
    import_kw: FloatArray
    export_kw: FloatArray
    correction_kw: FloatArray
    cause: IntArray
    clearing_price_eur_per_kwh: FloatArray  # (step, batch)
    entries_eur: FloatArray  # (step, batch, agent, entry)
    reward: FloatArray
    digests: tuple[str, ...]  # one per community: hash chain over state, fills and ledger


def rollout(
    scenario: Scenario,
    episode: Episode,
    policy: Policy,
    name: str = "policy",
    strict: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Trajectory:
    """Play one batch of episodes to the end.

    Args:
        policy: sees observations only.
        name: for tables and errors.
        strict: raise on a broken invariant.
        progress: called with the number of steps played since its last call.

    Raises:
        PolicyError: if the policy answers with something that is not an action.
    """
    table = action_map(scenario)
    shape = (episode.batch, len(scenario.agents), table.width)
    present = np.ones(shape[:2], dtype=np.bool_)
    state = engine.start(scenario, episode)
    memory = policy.start([policy_seed(key) for key in episode.keys])
    chains = [b""] * episode.batch
    rows: list[tuple[NDArray[Any], Outcome]] = []
    for _ in range(scenario.steps):
        answer, memory = ask(policy, observe(scenario, episode, state), memory, name)
        action = checked_action(answer, shape, name)
        proposal = to_proposal(table.physical(action.astype(np.float64)), present)
        state, outcome = engine.step(scenario, episode, state, proposal, strict)
        chains = [_link(chain, b, state, outcome) for b, chain in enumerate(chains)]
        rows.append((action.copy(), outcome))
        if progress is not None:
            progress(1)
    return _collect(name, rows, tuple(chain.hex() for chain in chains))


def try_out(policy: Policy | Planner | Informed, scenario: Scenario, split: str, name: str) -> None:
    """Ask a policy for one action, so that a broken one is told before hours of play.

    Raises:
        PolicyError: if the answer is not an action of this scenario.
    """
    if not isinstance(policy, Policy):
        return
    episode = draw(scenario, choose_key(scenario, 0, split))
    memory = policy.start([policy_seed(key) for key in episode.keys])
    seen = observe(scenario, episode, engine.start(scenario, episode))
    answer, _ = ask(policy, seen, memory, name)
    checked_action(answer, (1, len(scenario.agents), action_map(scenario).width), name)


def _link(chain: bytes, community: int, state: State, outcome: Outcome) -> bytes:
    """Next link of the hash chain: what this community's state, fills and ledger became."""
    digest = hashlib.sha256(chain)
    digest.update(state.energy_kwh[community].tobytes())
    digest.update(state.hold_steps[community].tobytes())
    digest.update(outcome.fills.power_kw[community].tobytes())
    digest.update(outcome.ledger.entries_eur[community].tobytes())
    return digest.digest()


def _collect(
    name: str, rows: list[tuple[NDArray[Any], Outcome]], digests: tuple[str, ...]
) -> Trajectory:
    outcomes = [outcome for _, outcome in rows]
    return Trajectory(
        policy=name,
        actions=np.stack([action for action, _ in rows]),
        net_load_kw=np.stack([o.action.net_load_kw for o in outcomes]),
        curtailed_kw=np.stack([o.action.curtailed_kw for o in outcomes]),
        shed_kw=np.stack([o.action.shed_kw for o in outcomes]),
        setpoint_kw=np.stack([o.action.setpoint_kw for o in outcomes]),
        energy_kwh=np.stack([o.flows.energy_kwh for o in outcomes]),
        fill_kw=np.stack([o.fills.power_kw for o in outcomes]),
        import_kw=np.stack([o.flows.import_kw for o in outcomes]),
        export_kw=np.stack([o.flows.export_kw for o in outcomes]),
        correction_kw=np.stack([o.flows.correction_kw for o in outcomes]),
        cause=np.stack([o.cause for o in outcomes]),
        clearing_price_eur_per_kwh=np.stack([o.fills.clearing_price_eur_per_kwh for o in outcomes]),
        entries_eur=np.stack([o.ledger.entries_eur for o in outcomes]),
        reward=np.stack([o.reward for o in outcomes]),
        digests=digests,
    )


def join(played: Sequence[Trajectory]) -> Trajectory:
    """One batch out of several trajectories of one policy and scenario."""
    columns: dict[str, Any] = {}
    for field in fields(Trajectory):
        parts = [getattr(one, field.name) for one in played]
        if field.name == "policy":
            columns[field.name] = parts[0]
        elif field.name == "digests":
            columns[field.name] = tuple(digest for part in parts for digest in part)
        else:
            columns[field.name] = np.concatenate(parts, axis=1)
    return Trajectory(**columns)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A policy that repeats recorded actions, whatever it observes."""

    actions: NDArray[Any]  # (step, batch, agent, column), normalised

    def start(self, seeds: Any) -> int:
        """The step counter."""
        return 0

    def act(self, observation: Any, memory: int) -> tuple[NDArray[Any], int]:
        """The recorded actions of this step."""
        return self.actions[memory], memory + 1
