"""A trained policy as an ONNX file: needs no torch to be played."""

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import onnx
import torch
from torch import Tensor, nn

from baselines.learners.onnx_policy.layout import (
    COLUMNS,
    DECISION,
    INPUT,
    NEXT_STATE,
    OUTPUT,
    STATE,
)
from baselines.learners.ppo.choices import ChoiceNetwork
from p2p_market.files import write_bytes

OPSET: Final = 17


def traced(graph: nn.Module, shown: Sequence[Tensor], told: Mapping[str, str]) -> bytes:
    """A module that maps rows to outputs, or rows and states to outputs and next states.

    Args:
        graph: in evaluation mode.
        shown: examples of what it takes.
        told: metadata.
    """
    buffer = io.BytesIO()
    names = {INPUT: [INPUT], OUTPUT: [OUTPUT]}
    if len(shown) > 1:
        names = {INPUT: [INPUT, STATE], OUTPUT: [OUTPUT, NEXT_STATE]}
    with warnings.catch_warnings():
        # the newer exporter needs a further package and writes the same graph
        warnings.simplefilter("ignore", DeprecationWarning)
        # and warns of recurrent units whose first state is no input; here it is one
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        torch.onnx.export(
            graph,
            tuple(shown),
            buffer,  # type: ignore[arg-type]  # a file object does as well
            input_names=names[INPUT],
            output_names=names[OUTPUT],
            dynamic_axes={name: {0: "row"} for each in names.values() for name in each},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(model, dict(told))
    return bytes(model.SerializeToString(deterministic=True))


class _Forgetful(nn.Module):
    """A network without memory, from rows to outputs."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, rows: Tensor) -> Tensor:
        if isinstance(self.network, ChoiceNetwork):
            return self.network(rows, rows[:, :0])[0]  # type: ignore[no-any-return]
        outputs: Tensor = self.network.actor.means(self.network.inputs(rows))
        return outputs


def write_onnx(path: Path, network: Any, columns: Sequence[str], decision: str) -> None:
    """Write a network, its normalisation inside.

    Args:
        network: a `Network`, or a module with inputs and actor like those of one.
        columns: names of the columns of a row.
        decision: what outputs mean, a key of `baselines.learners.ppo.decision.KINDS`.
    """
    shown: tuple[Tensor, ...] = (torch.zeros(2, len(columns)),)
    graph: nn.Module = _Forgetful(network)
    if network.actor.memory is not None:
        shown, graph = (*shown, network.actor.nothing(2)), network
    told = {COLUMNS: json.dumps(list(columns)), DECISION: decision}
    write_bytes(path, traced(graph, shown, told))
