"""A network out of an ONNX file, played by onnxruntime: torch is not needed, nor is training code.

The file maps one input `rows`, (row, column) float32 in physical units, to one output `output`,
(row, number) float32; the number of rows is free. One that remembers also has an input `state`,
(row, number), 0 at the start of an episode, and an output `next_state`. Its metadata say what it
was made for:

- `decision`: what a row is and what outputs mean: `plain`, or a name of the track's own (`OWN`);
- `columns`: a JSON list, the names of the columns in order;
- `actions`: optional, of `plain`: a JSON object, column of an action -> its outputs, in order; a
  column that it leaves out rests.

Networks differ between processors in their last bits. So outputs and states are rounded to a grid
of 2^-12 before anything is made of them; a run stores the actions that came of it.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime

from baselines.learners.decision import Decision
from baselines.learners.onnx_policy.layout import (
    ACTIONS,
    COLUMNS,
    DECISION,
    INPUT,
    OUTPUT,
    STATE,
)
from baselines.learners.plain import fitted, plain
from p2p_market.errors import PolicyError
from p2p_market.loading import load
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import AnyScenario

WEIGHTS_FOLDER: Final = "session.model_external_initializers_file_folder_path"
PER_UNIT: Final = 4096.0  # grid of outputs

OWN: Final[Mapping[str, str]] = {"community": "baselines.learners.ppo.decision:KINDS"}
"""Track -> decisions of its own by name, imported on use."""


@dataclass(frozen=True, slots=True)
class OnnxPolicy:
    """Plays one file in one scenario."""

    model: bytes
    decision: Decision

    def start(self, seeds: Sequence[int]) -> Float32Array:
        """State before the first step, (row of all communities, number)."""
        told = {each.name: each.shape for each in _session(self.model).get_inputs()}
        width = told[STATE][1] if STATE in told else 0
        return np.zeros((len(seeds) * len(self.decision.owners), width), dtype=np.float32)

    def act(
        self, observation: Float32Array, memory: Float32Array
    ) -> tuple[FloatArray, Float32Array]:
        """Actions for what is seen."""
        output, memory = self.outputs(self.decision.rows(observation), memory)
        return self.decision.actions(observation, on_grid(output)), on_grid(memory)

    def outputs(self, rows: Float32Array, state: Float32Array) -> tuple[Float32Array, Float32Array]:
        """What the network says, (batch, row, output), and its next state."""
        flat = np.ascontiguousarray(rows.reshape(-1, rows.shape[-1]))
        asked = {INPUT: flat, STATE: state} if state.shape[1] else {INPUT: flat}
        output, *following = _session(self.model).run(None, asked)
        shaped: Float32Array = np.asarray(output, dtype=np.float32)
        shaped = shaped.reshape(*rows.shape[:-1], shaped.shape[-1])
        return shaped, following[0] if following else state


def on_grid(values: Float32Array) -> Float32Array:
    """Numbers without the last bits, in which processors differ."""
    return np.asarray(np.round(values * PER_UNIT) / PER_UNIT, dtype=np.float32)


def from_file(scenario: AnyScenario, path: str, role: str | None = None) -> OnnxPolicy:
    """The policy of a file in a scenario.

    Args:
        scenario: in which it plays.
        path: of the file.
        role: that it plays; None: the only one.

    Raises:
        PolicyError: if the file is missing, damaged, or made for other observations; or if no role
            is given and there are several.
    """
    if not Path(path).is_file():
        raise PolicyError(f"no file {path!r}; `p2p-market train` writes one")
    model = Path(path).read_bytes()
    try:
        told = _session(model).get_modelmeta().custom_metadata_map
    except Exception as error:  # its classes have no other base of their own
        if "external data" in str(error).lower():
            raise PolicyError(
                f"{path}: its weights are in another file; save them inside this one: "
                "torch.onnx.export(..., external_data=False)"
            ) from error
        raise PolicyError(f"{path}: not an ONNX model ({error})") from error
    if missing := [name for name in (COLUMNS, DECISION) if name not in told]:
        raise PolicyError(
            f"{path}: its metadata lack {' and '.join(map(repr, missing))}; add it with "
            "onnx.helper.set_model_props"
        )
    _check_inputs(path, _session(model))
    kind, known = told[DECISION], _decisions(scenario, role)
    if kind not in known:
        raise PolicyError(f"{path}: {_unknown(kind, known, scenario)}")
    columns, actions = json.loads(told[COLUMNS]), json.loads(told.get(ACTIONS, "null"))
    try:
        decision = fitted(known[kind](scenario), columns, actions, scenario)
    except PolicyError as error:
        raise PolicyError(f"{path} {error}") from None
    given = _session(model).get_outputs()[0].shape[-1]
    if isinstance(given, int) and given != decision.width:
        raise PolicyError(
            f"{path} has {given} outputs per row, and {scenario.spec.id} needs {decision.width}; "
            "train it in this scenario"
        )
    return OnnxPolicy(model, decision)


def _decisions(
    scenario: AnyScenario, role: str | None
) -> Mapping[str, Callable[[AnyScenario], Decision]]:
    """What a network may decide in a scenario, by name."""
    own = OWN.get(scenario.spec.track)
    return {**(load(own) if own else {}), "plain": partial(plain, name=role)}


def _unknown(kind: str, known: Iterable[str], scenario: AnyScenario) -> str:
    """Of which other track a decision is, if of any."""
    spec = scenario.spec
    for track, target in OWN.items():
        if kind in load(target):
            return (
                f"was trained for the track {track} (decision {kind!r}); {spec.id} is of the track "
                f"{spec.track}"
            )
    return f"unknown decision {kind!r}; known: {', '.join(known)}"


def _check_inputs(path: str, session: onnxruntime.InferenceSession) -> None:
    """Whether a network takes any number of rows, by the names that it will be asked with.

    Raises:
        PolicyError: if it does not.
    """
    names = [one.name for one in session.get_inputs()]
    if names not in ([INPUT], [INPUT, STATE]):
        raise PolicyError(
            f"{path}: its inputs are {names}; they must be {INPUT!r}, or {INPUT!r}, {STATE!r}: "
            f"export with input_names=[{INPUT!r}]"
        )
    if any(isinstance(one.shape[0], int) for one in session.get_inputs() if one.shape):
        raise PolicyError(
            f"{path}: takes a fixed number of rows; export with "
            f"dynamic_axes={{{INPUT!r}: {{0: 'row'}}, {OUTPUT!r}: {{0: 'row'}}}}"
        )


@lru_cache(maxsize=8)
def _session(model: bytes) -> onnxruntime.InferenceSession:
    """A model ready to be asked; sessions do not travel between processes, bytes do."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # else weights in a second file would be taken from the current folder, whatever lies there
    options.add_session_config_entry(WEIGHTS_FOLDER, os.devnull)
    return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
