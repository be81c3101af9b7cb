"""What a package plays with: casts of one policy per role, each asked seat by seat.

A network sees the rows of one seat at a time and nothing else. What it remembers goes in and comes
out as numbers, kept here per row, zero before the first step. So no seat can tell another anything
except by trading, whatever the network computes: decentralised by construction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import onnxruntime

from baselines.learners.decision import Decision
from baselines.learners.onnx_policy.layout import INPUT, NEXT_STATE, OUTPUT, STATE
from baselines.learners.onnx_policy.policy import on_grid
from baselines.learners.plain import Plain, fitted
from leaderboard.gate.check import Admitted
from leaderboard.package.casts import casts
from leaderboard.package.package import Package
from leaderboard.package.rules import read_rule
from leaderboard.playing.code import Code
from leaderboard.sandbox.session import open_session
from leaderboard.tracks import board_card_of
from leaderboard.visible import visible
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import Policy, load_policy
from p2p_market.evaluation.rollout import Cast
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import AnyScenario, Role
from p2p_market.tracks import track_of


@dataclass(frozen=True, slots=True)
class Seats:
    """A network in all seats of a role, alone in each."""

    model: bytes
    decision: Decision
    state: int  # numbers remembered per row

    def start(self, seeds: Sequence[int]) -> Float32Array:
        """Nothing is remembered yet, (batch, row, state)."""
        return np.zeros((len(seeds), len(self.decision.owners), self.state), dtype=np.float32)

    def act(
        self, observation: Float32Array, memory: Float32Array
    ) -> tuple[FloatArray, Float32Array]:
        """Actions for what is seen, and what is remembered of it."""
        rows, owners = self.decision.rows(observation), self.decision.owners
        output = np.zeros((*rows.shape[:2], self.decision.width), dtype=np.float32)
        later = np.zeros_like(memory)
        for community in range(len(rows)):
            for seat in np.unique(owners):
                own = owners == seat
                output[community, own], later[community, own] = self._ask(
                    rows[community, own], memory[community, own]
                )
        return self.decision.actions(observation, on_grid(output)), on_grid(later)

    def _ask(self, rows: Float32Array, state: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Output and next state of one seat, (row, number) each."""
        session = _session(self.model)
        if self.state == 0:
            return session.run([OUTPUT], {INPUT: rows})[0], state
        output, later = session.run([OUTPUT, NEXT_STATE], {INPUT: rows, STATE: state})
        return output, later


def policies(
    package: Package, networks: Mapping[str, Admitted], scenario: AnyScenario
) -> dict[str, Cast]:
    """What a package plays with in a scenario: name of each cast -> role -> policy.

    Args:
        package: what was read.
        networks: what `gate.check.check` said of it.
        scenario: where they play.

    Raises:
        PolicyError: if it is of another track, or a network was made for other observations or
            actions.
    """
    if (own := package.manifest.policy.track) != scenario.spec.track:
        raise PolicyError(f"the package is of track {own!r}; {scenario.spec.id} is not")
    roles: Sequence[Role] = track_of(scenario).roles(scenario)
    return {
        name: {
            role.name: _policy(package, networks, files[role.name], scenario, role)
            if role.name in files
            else _by_rule(scenario, role)
            for role in roles
        }
        for name, files in casts(package.manifest, [role.name for role in roles]).items()
    }


def resting(
    package: Package, networks: Mapping[str, Admitted], scenario: AnyScenario
) -> tuple[str, ...]:
    """Columns of an action that a package leaves at rest in a scenario.

    Raises:
        PolicyError: as `policies`.
    """
    casts = policies(package, networks, scenario).values()
    seats = [one for cast in casts for one in cast.values() if isinstance(one, Seats)]
    plain = [one.decision for one in seats if isinstance(one.decision, Plain)]
    return tuple(dict.fromkeys(name for decision in plain for name in decision.resting))


def _policy(
    package: Package,
    networks: Mapping[str, Admitted],
    file: str,
    scenario: AnyScenario,
    role: Role,
) -> Policy:
    """A file of the package as one role plays it."""
    if package.manifest.policy.kind == "python":
        return Code(package, role.name)
    if package.manifest.policy.kind == "rules":
        return read_rule(package.manifest.policy.track, file, package.files[file]).policy(
            scenario, role.name
        )
    return _seats(file, package.files[file], networks[file], scenario, role)


def _by_rule(scenario: AnyScenario, role: Role) -> Policy:
    """A role that the package leaves out."""
    policy = load_policy(role.rule, scenario, role.name)
    assert isinstance(policy, Policy)
    return policy


def _seats(name: str, data: bytes, network: Admitted, scenario: AnyScenario, role: Role) -> Seats:
    decision = board_card_of(scenario).every[network.decision](scenario, role)
    columns = [visible(one) for one in network.columns]
    actions = network.actions and {visible(one): n for one, n in network.actions.items()}
    try:
        decision = fitted(decision, columns, actions, scenario)
    except PolicyError as error:
        raise PolicyError(f"{name}: {error}") from None
    if network.outputs != decision.width:
        raise PolicyError(
            f"{name}: has {network.outputs} outputs; {network.decision!r} in {scenario.spec.id} "
            f"takes {decision.width}"
        )
    return Seats(data, decision, network.state)


@lru_cache(maxsize=8)
def _session(model: bytes) -> onnxruntime.InferenceSession:
    """A network ready to be asked; sessions do not travel between processes, bytes do."""
    return open_session(model)
