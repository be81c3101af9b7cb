"""A network out of an ONNX file, played by onnxruntime: torch is not needed, nor is training code.

The file maps one input `observation`, (row, feature) float32 in physical units, to one output
`output`, (row, number) float32: an agent is a row, so the number of agents is free. Its metadata
say what it was made for:

- `features`: a JSON list, the names of the observation's columns in order;
- `decision`: what outputs mean, `full` = the environment's normalised action, or another key of
  `baselines.ppo.decision.KINDS`.

Networks differ between processors in their last bits. So outputs are rounded to a grid of 2^-12
before anything is made of them; a run stores the actions that came of it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from baselines.onnx_policy.layout import DECISION, FEATURES, INPUT, OUTPUT
from baselines.ppo.decision import KINDS, Decision, decision
from p2p_market.errors import PolicyError
from p2p_market.observation import features
from p2p_market.records import Float32Array, FloatArray
from p2p_market.scenario import Scenario

PER_UNIT: Final = 4096.0  # grid of outputs


@dataclass(frozen=True, slots=True)
class OnnxPolicy:
    """Plays one file in one scenario."""

    session: onnxruntime.InferenceSession
    decision: Decision

    def start(self, seeds: Sequence[int]) -> None:
        """Files here remember nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Actions for what is seen."""
        output = np.round(self.outputs(observation) * PER_UNIT) / PER_UNIT
        return self.decision.actions(observation, output), None

    def outputs(self, observation: Float32Array) -> Float32Array:
        """What the network says, (batch, agent, output)."""
        rows = np.ascontiguousarray(observation.reshape(-1, observation.shape[-1]))
        (answer,) = self.session.run([OUTPUT], {INPUT: rows})
        answer = np.asarray(answer, dtype=np.float32)
        return answer.reshape(*observation.shape[:-1], answer.shape[-1])


def from_file(scenario: Scenario, path: str) -> OnnxPolicy:
    """The policy of a file in a scenario.

    Raises:
        PolicyError: if the file is missing, damaged, or made for other observations.
    """
    if not Path(path).is_file():
        raise PolicyError(f"no file {path!r}; `p2p-market train` writes one")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    except Exception as error:  # its classes have no other base of their own
        raise PolicyError(f"{path}: not an ONNX model ({error})") from error
    told = session.get_modelmeta().custom_metadata_map
    if not {FEATURES, DECISION} <= told.keys():
        raise PolicyError(f"{path}: its metadata need {FEATURES!r} and {DECISION!r}")
    kind, known = told[DECISION], [feature.name for feature in features(scenario)]
    if kind not in KINDS:
        raise PolicyError(f"{path}: decision {kind!r}; known are: {', '.join(KINDS)}")
    if (made_for := json.loads(told[FEATURES])) != known:
        other = ", ".join(sorted(set(made_for) ^ set(known))) or "their order"
        raise PolicyError(
            f"{path} was made for other observations than those of {scenario.spec.id}: {other}"
        )
    return OnnxPolicy(session, decision(scenario, kind))
