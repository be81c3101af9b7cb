"""What a package plays with: one policy per file, asked seat by seat.

A network sees the rows of one seat at a time and nothing else. What it remembers goes in and comes
out as numbers, kept here per row, zero before the first step. So no seat can tell another anything
but by trading, whatever the network computes: decentralised by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import onnxruntime

from baselines.learners.onnx_policy.layout import INPUT, NEXT_STATE, OUTPUT, STATE
from baselines.learners.onnx_policy.policy import on_grid
from baselines.learners.ppo.decision import KINDS, Decision
from leaderboard.gate.check import Network
from leaderboard.gate.session import open_session
from leaderboard.package.package import Package
from leaderboard.package.rules import read_rule
from leaderboard.visible import visible
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import Policy
from p2p_market.records import Float32Array, FloatArray


@dataclass(frozen=True, slots=True)
class Seats:
    """A network in all seats of a scenario, alone in each."""

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
    package: Package, networks: dict[str, Network], scenario: Scenario
) -> dict[str, Policy]:
    """The policies of a package in a scenario, by the name of their file.

    Args:
        package: what was read.
        networks: what `gate.check.check` said of it.
        scenario: where they play.

    Raises:
        PolicyError: if a network was made for other observations or actions.
    """
    found: dict[str, Policy] = {}
    for name, data in package.files.items():
        if package.manifest.policy.kind == "rules":
            found[name] = read_rule(name, data).policy(scenario)
        else:
            found[name] = _seats(name, data, networks[name], scenario)
    return found


def _seats(name: str, data: bytes, network: Network, scenario: Scenario) -> Seats:
    decision = KINDS[network.decision](scenario)
    if tuple(network.columns) != decision.names:
        other = sorted(set(network.columns) ^ set(decision.names)) or ["their order"]
        raise PolicyError(
            f"{name}: was made for other observations than those of {scenario.spec.id}: "
            f"{', '.join(visible(one) for one in other[:5])}"
        )
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
