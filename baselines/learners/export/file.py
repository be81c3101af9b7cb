"""A module of torch as the file of a policy, checked against what it was made from."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx

from baselines.learners.export.target import Chain, Target
from baselines.learners.onnx_policy.layout import ACTIONS, COLUMNS, DECISION, INPUT, STATE
from baselines.learners.ppo.export import traced
from p2p_market.errors import PolicyError
from p2p_market.files import write_bytes

NEAR: Final = 1e-5
"""How far outputs of the file may be from those of the network, and of their size."""

ASKING: Final = {"Shape", "Expand", "ConstantOfShape", "Tile", "Range"}
"""Operators that ask for shapes or make something of one."""


def simplified(graph: nn.Module, shown: Sequence[Tensor]) -> nn.Module:
    """The same operations with all sizes but the number of rows written out.

    Layers that ask for the shape of what they get are traced with operators that no policy may
    have; here `chunk` and `expand` of a known width become what they are.
    """
    with torch.no_grad():
        flat = make_fx(graph, tracing_mode="fake", _allow_non_fake_inputs=True)(*shown)
    for node in flat.graph.nodes:
        if node.target is torch.ops.aten.expand.default:
            (given, made) = (one.meta["val"].shape for one in (node.args[0], node))
            if given == made:
                node.replace_all_uses_with(node.args[0])
    flat.graph.eliminate_dead_code()
    flat.recompile()
    return flat


def write(network: nn.Module, target: Target, path: Path, state: int = 0) -> None:
    """Write a network for its target.

    Args:
        network: from (row, column) to (row, output), with what stands before it left out; with a
            state from that and (row, number) to both.
        target: what it was made for.
        path: of the file.
        state: numbers that it remembers for each row.

    Raises:
        PolicyError: if the file does not do what the network does.
    """
    graph = Chain(target.before, network).cpu().eval()
    shown = _examples(len(target.columns), state)
    expected = _asked(graph, shown)
    shapes = [tuple(one.shape) for one in expected]
    wanted = [(len(shown[0]), target.width), (len(shown[0]), state)][: len(shown)]
    if shapes != wanted:
        raise PolicyError(f"the network gives {shapes} for {len(shown[0])} rows; needed: {wanted}")
    told = {COLUMNS: json.dumps(list(target.columns)), DECISION: target.decision}
    if target.said:
        told[ACTIONS] = json.dumps(dict(target.outputs))
    few = [one[:2] for one in shown]
    data = traced(graph, few, told)
    if _operators(data) & ASKING:
        inputs = [graph.inputs(few[0]), *few[1:]]
        data = traced(Chain(target.before, simplified(network, inputs)), few, told)
    for given in (shown, [-one for one in shown]):
        _compare(data, given, _asked(graph, given))
    write_bytes(path, data)


def _operators(data: bytes) -> set[str]:
    return {node.op_type for node in onnx.load_model_from_string(data).graph.node}


def _examples(columns: int, state: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    widths = [columns, state] if state else [columns]
    return [torch.randn(5, width, generator=generator) for width in widths]


def _asked(graph: nn.Module, shown: Sequence[Tensor]) -> tuple[Tensor, ...]:
    with torch.no_grad():
        found = graph(*shown)
    return found if isinstance(found, tuple) else (found,)


def _compare(data: bytes, shown: Sequence[Tensor], expected: Sequence[Tensor]) -> None:
    """Whether a file gives what the network gave."""
    import onnxruntime

    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = (INPUT, STATE)
    given = {name: one.numpy() for name, one in zip(names, shown, strict=False)}
    for found, one in zip(session.run(None, given), expected, strict=True):
        if not np.allclose(found, one.numpy(), rtol=NEAR, atol=NEAR):
            raise PolicyError(
                "the exported file does not do what the network does: some part of it depends on "
                "the rows in a way that a graph cannot hold; use plain layers"
            )
