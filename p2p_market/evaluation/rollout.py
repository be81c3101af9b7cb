"""Play a policy through whole episodes, many communities at once, and keep what metrics need."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import Episode, policy_seed
from p2p_market.community.observation import observe
from p2p_market.community.records import Outcome, Proposal, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.players.failure import FailedPolicyError, Stranger
from p2p_market.evaluation.players.policy import Policy, ask
from p2p_market.market import MECHANISMS
from p2p_market.registry import target_of
from p2p_market.track import Trajectory


def rollout(
    scenario: Scenario,
    episode: Episode,
    policy: Policy,
    name: str = "policy",
    strict: bool = True,
    progress: Callable[[int], None] | None = None,
    steps: int | None = None,
) -> Trajectory:
    """Play one batch of episodes.

    Args:
        policy: sees observations only.
        name: for tables and errors.
        strict: raise on a broken invariant.
        progress: called with the number of steps played since its last call.
        steps: after which it ends; None: with the episode.

    Raises:
        FailedPolicyError: if the policy or the mechanism raises, or the policy answers with
            something that is not an action; holds what was played before.
    """
    table, stranger = action_map(scenario), author_of(name, scenario)
    shape = (episode.batch, len(scenario.agents), table.width)
    present = np.ones(shape[:2], dtype=np.bool_)
    state = engine.start(scenario, episode)
    chains = [b""] * episode.batch
    rows: list[tuple[NDArray[Any], Outcome]] = []
    try:
        memory = stranger.call(None, policy.start, [policy_seed(key) for key in episode.keys])
        for step in range(scenario.steps if steps is None else steps):
            seen = observe(scenario, episode, state)
            action, memory = stranger.call(step, ask, policy, seen, memory, shape)
            proposal = to_proposal(table.physical(action.astype(np.float64)), present)
            state, outcome = _market(stranger, scenario, episode, state, proposal, strict)
            chains = [_link(chain, b, state, outcome) for b, chain in enumerate(chains)]
            rows.append((action.copy(), outcome))
            if progress is not None:
                progress(1)
    except FailedPolicyError as error:
        before = _collect(name, rows, chains) if rows else None
        raise FailedPolicyError(error.failure, before) from None
    return _collect(name, rows, chains)


def author_of(name: str, scenario: Scenario) -> Stranger:
    """Whose code a policy is, by its name."""
    return Stranger(name, scenario.spec.id, target_of(name).partition(":")[0])


def _market(
    stranger: Stranger,
    scenario: Scenario,
    episode: Episode,
    state: State,
    proposal: Proposal,
    strict: bool,
) -> tuple[State, Outcome]:
    """One step of the engine; its mechanism may be a stranger's too.

    With a mechanism of ours an error is a fault of ours, and is raised as it is.
    """
    mechanism, given = scenario.spec.mechanism, (scenario, episode, state, proposal, strict)
    module = MECHANISMS[mechanism].clear.__module__
    if module.startswith("p2p_market.market."):
        return engine.step(*given)
    author, during = replace(stranger, module=module), f"mechanism {mechanism!r}"
    played: tuple[State, Outcome] = author.call(state.step, engine.step, *given, during=during)
    return played


def _link(chain: bytes, community: int, state: State, outcome: Outcome) -> bytes:
    """Next link of the hash chain: what this community's state, fills and ledger became."""
    digest = hashlib.sha256(chain)
    digest.update(state.energy_kwh[community].tobytes())
    digest.update(state.hold_steps[community].tobytes())
    digest.update(outcome.fills.power_kw[community].tobytes())
    digest.update(outcome.ledger.entries_eur[community].tobytes())
    return digest.digest()


def _collect(
    name: str, rows: Sequence[tuple[NDArray[Any], Outcome]], chains: Sequence[bytes]
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
        digests=tuple(chain.hex() for chain in chains),
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
