"""A trained policy as an ONNX file: needs no torch to be played."""

import io
import json
import warnings
from collections.abc import Sequence
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
    buffer = io.BytesIO()
    shown: tuple[Tensor, ...] = (torch.zeros(2, len(columns)),)
    graph: nn.Module = _Forgetful(network)
    names = {INPUT: [INPUT], OUTPUT: [OUTPUT]}
    if network.actor.memory is not None:
        shown, graph = (*shown, network.actor.nothing(2)), network
        names = {INPUT: [INPUT, STATE], OUTPUT: [OUTPUT, NEXT_STATE]}
    with warnings.catch_warnings():
        # the newer exporter needs a further package and writes the same graph
        warnings.simplefilter("ignore", DeprecationWarning)
        # and warns of recurrent units whose first state is no input; here it is one
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        torch.onnx.export(
            graph,
            shown,
            buffer,  # type: ignore[arg-type]  # a file object does as well
            input_names=names[INPUT],
            output_names=names[OUTPUT],
            dynamic_axes={name: {0: "row"} for each in names.values() for name in each},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    told = {COLUMNS: json.dumps(list(columns)), DECISION: decision}
    onnx.helper.set_model_props(model, told)
    write_bytes(path, model.SerializeToString(deterministic=True))
