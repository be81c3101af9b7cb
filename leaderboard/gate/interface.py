"""What goes into a network and what comes out: rows of one seat, and what it remembers."""

import json
from dataclasses import dataclass
from typing import Any, Final

from onnx import ModelProto, TensorProto, ValueInfoProto

from baselines.learners.onnx_policy.layout import (
    ACTIONS,
    COLUMNS,
    DECISION,
    INPUT,
    NEXT_STATE,
    OUTPUT,
    STATE,
)
from leaderboard.gate.refused import RefusedError
from leaderboard.visible import visible

WIDTH: Final = 1024
"""Columns, outputs or numbers of state, at most."""
METADATA_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Interface:
    """What a network says of itself."""

    decision: str  # what a row is and what outputs mean
    columns: tuple[str, ...]
    actions: dict[str, int] | None  # column of an action -> its outputs; None: not said
    outputs: int  # per row
    state: int  # numbers per row, 0 = remembers nothing
    axis: str  # the name of the rows' axis


def interface(model: ModelProto) -> Interface:
    """The interface of a network.

    Raises:
        RefusedError: if it is not the one that policies have.
    """
    taken = _widths("inputs", list(model.graph.input), INPUT, STATE)
    given = _widths("outputs", list(model.graph.output), OUTPUT, NEXT_STATE)
    state, next_state = taken.get(STATE, (0, "")), given.get(NEXT_STATE, (0, ""))
    if state[0] != next_state[0]:
        raise RefusedError(
            f"{STATE} has {state[0]} numbers and {NEXT_STATE} {next_state[0]}; both must have the "
            "same shape"
        )
    axes = {axis for _, axis in (*taken.values(), *given.values())}
    if len(axes) != 1:
        shown = [visible(axis) for axis in sorted(axes)]
        raise RefusedError(
            f"the axis of the rows has the names {shown}; give it one name, such as 'row'"
        )
    told = {one.key: one.value for one in model.metadata_props}
    columns = _columns(told)
    if len(columns) != taken[INPUT][0]:
        raise RefusedError(
            f"{INPUT} has {taken[INPUT][0]} columns and the metadata's {COLUMNS!r} name "
            f"{len(columns)}; give it those that the metadata of the template name: a row is not "
            "what the environment shows, docs/leaderboard.md lists it under 'What a row "
            "holds'; for what the environment shows, decision is 'plain'"
        )
    actions = _actions(told)
    return Interface(told[DECISION], columns, actions, given[OUTPUT][0], state[0], axes.pop())


def _widths(
    what: str, values: list[ValueInfoProto], first: str, second: str
) -> dict[str, tuple[int, str]]:
    """Width and rows' axis of each input or output."""
    names = [value.name for value in values]
    if names not in ([first], [first, second]):
        shown = [visible(name) for name in names[:5]]
        raise RefusedError(
            f"its {what} are {shown}; they must be {first!r}, or {first!r}, {second!r}: export "
            f"with {what[:-1]}_names=[{first!r}]"
        )
    return {value.name: _width(value) for value in values}


def _width(value: ValueInfoProto) -> tuple[int, str]:
    tensor = value.type.tensor_type
    sides = tensor.shape.dim
    needed = f"{value.name}: must be float32 of shape (rows, columns), with a free number of rows"
    if tensor.elem_type != TensorProto.FLOAT or len(sides) != 2:
        raise RefusedError(f"{needed}; cast or reshape it")
    if not sides[0].dim_param or not 1 <= sides[1].dim_value <= WIDTH:
        raise RefusedError(
            f"{needed} and a fixed number of columns, at most {WIDTH}; export with dynamic_axes "
            "for the first axis only"
        )
    return sides[1].dim_value, sides[0].dim_param


def _columns(told: dict[str, str]) -> tuple[str, ...]:
    """Names of the columns, out of the metadata."""
    if missing := [name for name in (COLUMNS, DECISION) if name not in told]:
        raise RefusedError(
            f"its metadata lack {' and '.join(map(repr, missing))}; add it with "
            "onnx.helper.set_model_props"
        )
    columns = _json(told[COLUMNS])
    if not isinstance(columns, list) or not all(isinstance(one, str) for one in columns):
        raise RefusedError(
            f"metadata {COLUMNS!r}: is not a JSON list of names within {METADATA_BYTES} bytes"
        )
    return tuple(columns)


def _actions(told: dict[str, str]) -> dict[str, int] | None:
    """What the outputs are, if the metadata say it."""
    if ACTIONS not in told:
        return None
    actions = _json(told[ACTIONS])
    if not isinstance(actions, dict) or not all(type(one) is int for one in actions.values()):
        raise RefusedError(
            f"metadata {ACTIONS!r}: is not a JSON object of names and numbers of outputs within "
            f"{METADATA_BYTES} bytes"
        )
    return actions


def _json(text: str) -> Any:
    """What a text of the metadata holds; None if it is too long or no JSON."""
    try:
        return json.loads(text) if len(text) <= METADATA_BYTES else None
    except (ValueError, RecursionError):
        return None
