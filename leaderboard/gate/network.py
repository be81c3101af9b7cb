"""What a network's file may contain: read as data, before onnxruntime sees a byte of it."""

import math
from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto

from leaderboard.gate.allowed import FIELDS, MENDS, OPERATORS, REASONS
from leaderboard.gate.constants import parameters
from leaderboard.gate.interface import interface
from leaderboard.gate.refused import RefusedError
from leaderboard.gate.shapes import check_shapes
from leaderboard.gate.trial import play_zeros
from leaderboard.visible import visible

BYTES: Final = 10 * 2**20
PARTS: Final = 2000
"""Nodes, and constants, at most."""
OPSETS: Final = (17, 21)
FORMATS: Final = (7, 10)
"""First and last `ir_version`."""
TEXT: Final = 64
"""Letters of a text attribute."""


def examine(data: bytes) -> dict[str, Any]:
    """What a network is, if it may play; to be called in the limited process.

    Raises:
        RefusedError: with the first thing that is not allowed.
    """
    model = parsed(data)
    check_content(model)
    about = interface(model)
    check_shapes(model, about)
    play_zeros(data, about)
    return {
        "decision": about.decision,
        "columns": about.columns,
        "actions": about.actions,
        "outputs": about.outputs,
        "state": about.state,
        "parameters": parameters(model.graph),
        "nodes": len(model.graph.node),
    }


def parsed(data: bytes) -> ModelProto:
    """The message in the bytes; files that it names are not looked at.

    Raises:
        RefusedError: if it is not a model, or too large.
    """
    if len(data) > BYTES:
        raise RefusedError(f"has more than {BYTES} bytes; make it smaller")
    try:
        model: ModelProto = ModelProto.FromString(data)
    except DecodeError:
        raise RefusedError("is not an ONNX model, or was cut off; export it again") from None
    whole = model.ByteSize()
    model.DiscardUnknownFields()
    if model.ByteSize() != whole:
        raise RefusedError("holds fields that ONNX does not know; export it again")
    return model


def check_content(model: ModelProto) -> None:
    """Fields, versions, operators, wires and constants.

    Raises:
        RefusedError: if one of them is not allowed.
    """
    for parts in (model.graph.node, model.graph.initializer, model.graph.value_info):
        if len(parts) > PARTS:
            raise RefusedError(
                f"has {len(parts)} nodes or constants; it may have {PARTS}, simplify it"
            )
    _check_fields(model)
    _check_versions(model)
    for node in model.graph.node:
        _check_node(node)
    _check_wires(model.graph)
    parameters(model.graph)


def _check_fields(message: Message) -> None:
    """Whether all that is set may be set, down to the smallest part."""
    kind = message.DESCRIPTOR.name
    allowed = FIELDS.get(kind, "").split()
    for field, value in message.ListFields():
        if field.name not in allowed:
            mend = MENDS.get(field.name, "leave it out")
            raise RefusedError(f"{_label(message)}: {field.name} is not allowed; {mend}")
        if isinstance(value, Message):
            _check_fields(value)
        elif field.message_type is not None:
            for one in value:
                _check_fields(one)


def _label(message: Message) -> str:
    """Kind and name of a part."""
    name = visible(str(getattr(message, "name", "")))
    return f"{message.DESCRIPTOR.name} {name!r}" if name else message.DESCRIPTOR.name


def _check_versions(model: ModelProto) -> None:
    domains = [one.domain for one in model.opset_import]
    if domains != [""]:
        raise RefusedError(
            f"uses the operator sets {[visible(one) for one in domains[:5]]}; only ONNX's own "
            "is allowed"
        )
    version = model.opset_import[0].version
    if not OPSETS[0] <= version <= OPSETS[1]:
        raise RefusedError(
            f"opset {version}: must be {OPSETS[0]} to {OPSETS[1]}; export it again with "
            f"opset_version={OPSETS[0]}"
        )
    if not FORMATS[0] <= model.ir_version <= FORMATS[1]:
        raise RefusedError(
            f"ir_version {model.ir_version}: must be {FORMATS[0]} to {FORMATS[1]}; export it again"
        )


def _check_node(node: NodeProto) -> None:
    if node.domain or node.op_type not in OPERATORS:
        name = ".".join(filter(None, [visible(node.domain), visible(node.op_type)]))
        why = REASONS.get(node.op_type, "docs/leaderboard.md lists those that are")
        raise RefusedError(f"{_label(node)}: operator {name} is not allowed; {why}")
    for one in node.attribute:
        if not math.isfinite(one.f) or not all(map(math.isfinite, one.floats)):
            raise RefusedError(
                f"{_label(node)}: {visible(one.name)} is NaN or infinite; use finite numbers"
            )
        if len(one.s) > TEXT or (one.type == AttributeProto.STRING and node.op_type == "Constant"):
            raise RefusedError(f"{_label(node)}: {visible(one.name)} is a text; use numbers")


def _check_wires(graph: GraphProto) -> None:
    """Every name is made once, and before it is used: so there is no cycle."""
    made: set[str] = set()
    for one in (*graph.input, *graph.initializer):
        _make(one.name, made)
    for node in graph.node:
        for name in node.input:
            if name and name not in made:
                raise RefusedError(
                    f"{_label(node)}: {visible(name)!r} is used before it is computed; sort the "
                    "nodes and remove cycles"
                )
        for name in filter(None, node.output):
            _make(name, made)
    if missing := [one.name for one in graph.output if one.name not in made]:
        raise RefusedError(f"output {visible(missing[0])!r} is never computed; connect it")


def _make(name: str, made: set[str]) -> None:
    if name in made:
        raise RefusedError(f"{visible(name)!r} is computed twice; give each value its own name")
    made.add(name)
