"""The numbers in a network's file: all there, finite, and not too many."""

import math
from typing import Final

import numpy as np
from onnx import GraphProto, TensorProto, numpy_helper

from leaderboard.gate.allowed import INSIDE
from leaderboard.gate.refused import RefusedError
from leaderboard.visible import visible

PARAMETERS: Final = 2_000_000

RANK: Final = 8

NUMBERS: Final[dict[int, type[np.generic]]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.INT32: np.int32,
    TensorProto.INT64: np.int64,
    TensorProto.BOOL: np.bool_,
}


def parameters(graph: GraphProto) -> int:
    """How many numbers a network has: initialisers, and constants in attributes.

    Raises:
        RefusedError: if they are too many, not there, or not finite.
    """
    inside = [one.t for node in graph.node for one in node.attribute if one.HasField("t")]
    count = sum(_numbers(tensor) for tensor in (*graph.initializer, *inside))
    if count > PARAMETERS:
        raise RefusedError(f"has {count} parameters; it may have {PARAMETERS}, make it smaller")
    return count


def _numbers(tensor: TensorProto) -> int:
    """Number of elements of a constant that is there as a whole, and finite."""
    label = f"constant {visible(tensor.name)!r}"
    if tensor.data_location != TensorProto.DEFAULT:
        raise RefusedError(f"{label}: has external data; {INSIDE}")
    if tensor.data_type not in NUMBERS:
        raise RefusedError(f"{label}: data type {tensor.data_type}; use float32, int64 or bool")
    count: int = math.prod(tensor.dims[:RANK])
    if len(tensor.dims) > RANK or min(tensor.dims, default=0) < 0 or count > PARAMETERS:
        raise RefusedError(
            f"{label}: has shape {list(tensor.dims[:RANK])}; it may have {PARAMETERS} numbers in "
            f"{RANK} axes, make it smaller"
        )
    stored = {one.name: value for one, value in tensor.ListFields() if one.name.endswith("_data")}
    raw = stored.get("raw_data")
    width = np.dtype(NUMBERS[tensor.data_type]).itemsize
    held = [len(raw) / width] if raw is not None else [len(value) for value in stored.values()]
    if len(stored) > 1 or (held or [0]) != [count]:
        raise RefusedError(f"{label}: does not hold its {count} numbers; export it again")
    values = numpy_helper.to_array(tensor)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise RefusedError(f"{label}: has NaN or infinite numbers; check the training")
    return count
