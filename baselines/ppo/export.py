"""A trained policy as an ONNX file: needs no torch to be played."""

import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import onnx
import torch

from baselines.onnx_policy.layout import COLUMNS, DECISION, INPUT, OUTPUT
from baselines.ppo.policy import Network
from p2p_market.evaluation.files import write_bytes

OPSET: Final = 17


def write_onnx(path: Path, network: Network, columns: Sequence[str], decision: str) -> None:
    """Write a network, its normalisation inside.

    Args:
        columns: names of the columns of a row.
        decision: what outputs mean, a key of `baselines.ppo.decision.KINDS`.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # the newer exporter needs a further package and writes the same graph
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(2, len(columns)),),
            buffer,  # type: ignore[arg-type]  # a file object does as well
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "row"}, OUTPUT: {0: "row"}},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    told = {COLUMNS: json.dumps(list(columns)), DECISION: decision}
    onnx.helper.set_model_props(model, told)
    write_bytes(path, model.SerializeToString(deterministic=True))
