"""Shapes of all that a network computes: known beforehand, and small."""

import math
from typing import Final

import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto

from leaderboard.gate.interface import Interface
from leaderboard.gate.refused import RefusedError
from leaderboard.visible import visible

NUMBERS: Final = 2**20
"""Of one value per row, at most."""
TOGETHER: Final = 2**23
"""Of all values per row, at most."""
MEND: Final = "fix all sizes but the number of rows"


def check_shapes(model: ModelProto, about: Interface) -> None:
    """Infer the shapes of all values and check them against the limits.

    Raises:
        RefusedError: if a shape cannot be inferred, is too large, or is not as declared.
    """
    bare = ModelProto()
    bare.CopyFrom(model)
    try:
        onnx.checker.check_model(bare)
        del bare.graph.value_info[:]  # what the file says of shapes is not taken on trust
        for one in bare.graph.output:
            one.type.tensor_type.ClearField("shape")
        inferred = onnx.shape_inference.infer_shapes(
            bare, check_type=True, strict_mode=True, data_prop=True
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        told = visible(" ".join(str(error).split()), 200)
        raise RefusedError(f"is not valid: {told}; try onnx.checker first") from None
    known = {one.name: one for one in (*inferred.graph.value_info, *inferred.graph.output)}
    together = 0
    for node in model.graph.node:
        for name in filter(None, node.output):
            together += _numbers(known.get(name, ValueInfoProto(name=name)), about.axis)
    for one in model.graph.output:
        if one.type.tensor_type.shape.dim[1].dim_value != _numbers(known[one.name], about.axis):
            raise RefusedError(f"{one.name!r}: has another shape than declared; export it again")
    if together > TOGETHER:
        raise RefusedError(
            f"computes {together} numbers per row; at most {TOGETHER}, make it smaller"
        )


def _numbers(value: ValueInfoProto, axis: str) -> int:
    """How many numbers a value has per row."""
    tensor = value.type.tensor_type
    if tensor.elem_type == TensorProto.STRING:
        raise RefusedError(f"{visible(value.name)!r}: holds texts; use numbers")
    if not tensor.HasField("shape"):
        raise RefusedError(f"{visible(value.name)!r}: its shape cannot be inferred; {MEND}")
    sides = tensor.shape.dim
    fixed = [side.dim_value for side in sides if side.HasField("dim_value")]
    free = [side.dim_param for side in sides if not side.HasField("dim_value")]
    if free not in ([], [axis]) or min(fixed, default=1) < 1:
        shown = [visible(side.dim_param) or side.dim_value for side in list(sides)[:8]]
        raise RefusedError(f"{visible(value.name)!r}: has shape {shown}; {MEND}")
    count: int = math.prod(fixed)
    if count > NUMBERS:
        raise RefusedError(
            f"{visible(value.name)!r}: has {count} numbers per row; at most {NUMBERS}, make it "
            "smaller"
        )
    return count
