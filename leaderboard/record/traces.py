"""Traces: the actions of an episode as integers, and which of its steps were faulty.

A trace is what was played, so an episode can be played again from it to the last bit. On disk it is
safetensors, packed by xz, each column of each agent in one piece, which packs best; its digest is
that of the safetensors bytes. Actions are the array `actions` where the track has one role, and
`actions.<role>` for each role else. A choice is stored as its index.
"""

import hashlib
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from leaderboard.record.record import FAULTS
from p2p_market.errors import RecordError
from p2p_market.records import FloatArray, Record
from p2p_market.track import Column, Joint, Role

ENDING: Final = ".safetensors.xz"
ACTIONS: Final = "actions"
FAULTY: Final = "faults"
PER_UNIT: Final = 32767.0
BYTES: Final = 64 * 2**20
"""No trace unpacks to more."""
UNPACKING_BYTES: Final = 32 * 2**20  # of memory for xz, beyond the result
PRESET: Final = 6  # needs 9 MiB to unpack


@dataclass(frozen=True, slots=True)
class Trace(Record):
    """One episode as it was played."""

    actions: Mapping[str, NDArray[np.int16]]
    """Array of the file -> (step, agent, column); n stands for n / 32767, or for choice n."""
    faults: NDArray[np.uint8]  # (step,), 0 = sound, else 1 + place in FAULTS

    def counts(self) -> dict[str, int]:
        """Faulty steps by kind."""
        found = np.bincount(self.faults, minlength=len(FAULTS) + 1)[1:].tolist()
        return {kind: count for kind, count in zip(FAULTS, found, strict=True) if count}


def to_grid(actions: NDArray[Any], columns: Sequence[Column] = ()) -> NDArray[np.int16]:
    """Finite actions as integers; values outside their range count as the nearest end.

    Args:
        actions: (..., column).
        columns: of the role; none: all are numbers in [-1, 1].
    """
    numbers: NDArray[np.int16] = np.rint(np.clip(actions, -1.0, 1.0) * PER_UNIT).astype(np.int16)
    for place, column in enumerate(columns):
        if column.choices:
            chosen = np.clip(actions[..., place], 0.0, column.choices - 1.0)
            numbers[..., place] = np.rint(chosen).astype(np.int16)
    return numbers


def from_grid(numbers: NDArray[np.int16], columns: Sequence[Column] = ()) -> FloatArray:
    """Actions from integers."""
    actions = np.asarray(numbers / PER_UNIT)
    for place, column in enumerate(columns):
        if column.choices:
            actions[..., place] = numbers[..., place]
    return actions


def trace_of(roles: Sequence[Role], actions: Joint, faults: NDArray[np.uint8]) -> Trace:
    """A trace of what was played.

    Args:
        roles: of the track.
        actions: role -> (step, agent, column), normalised.
        faults: (step,), as in `Trace`.
    """
    names = _names(roles)
    stored = {names[role.name]: to_grid(actions[role.name], role.columns) for role in roles}
    return Trace(stored, faults)


def actions_of(roles: Sequence[Role], trace: Trace) -> dict[str, FloatArray]:
    """What was played, role -> (step, agent, column), normalised.

    Raises:
        RecordError: if the trace is not of these roles.
    """
    names = _names(roles)
    if trace.actions.keys() != set(names.values()):
        raise RecordError(
            f"trace: holds {', '.join(sorted(trace.actions))}, not {', '.join(names.values())}"
        )
    return {role.name: _played(trace.actions[names[role.name]], role) for role in roles}


def _played(numbers: NDArray[np.int16], role: Role) -> FloatArray:
    if numbers.shape[2] != len(role.columns):
        raise RecordError(
            f"trace: has {numbers.shape[2]} columns for {role.name}, not {len(role.columns)}"
        )
    return from_grid(numbers, role.columns)


def _names(roles: Sequence[Role]) -> dict[str, str]:
    """Role -> its array in the file."""
    if len(roles) == 1:
        return {roles[0].name: ACTIONS}
    return {role.name: f"{ACTIONS}.{role.name}" for role in roles}


def packed(trace: Trace) -> tuple[bytes, str]:
    """The file of a trace, and its digest."""
    arrays = {
        name: np.ascontiguousarray(own.transpose(2, 1, 0)) for name, own in trace.actions.items()
    }
    raw = save({**arrays, FAULTY: trace.faults})
    return lzma.compress(raw, preset=PRESET), hashlib.sha256(raw).hexdigest()


def unpacked(data: bytes, name: str = "trace") -> tuple[Trace, str]:
    """The trace in a file's bytes, and its digest.

    Raises:
        RecordError: if it is damaged or of another form.
    """
    reader = lzma.LZMADecompressor(lzma.FORMAT_XZ, UNPACKING_BYTES)
    try:
        raw = reader.decompress(data, BYTES)
        tensors = load(raw)
    except (lzma.LZMAError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{name}: is not a trace ({error}); take the file as published") from None
    faults = tensors.pop(FAULTY, None)
    if (
        not reader.eof
        or reader.unused_data
        or not tensors
        or faults is None
        or (faults.dtype.str, faults.ndim) != ("|u1", 1)
        or faults.max(initial=0) > len(FAULTS)
        or not all(_is_actions(each, own, len(faults)) for each, own in tensors.items())
    ):
        raise RecordError(f"{name}: has another form than a trace; take the file as published")
    by_step = {each: np.ascontiguousarray(own.transpose(2, 1, 0)) for each, own in tensors.items()}
    return Trace(by_step, faults), hashlib.sha256(raw).hexdigest()


def _is_actions(name: str, array: NDArray[Any], steps: int) -> bool:
    """Whether an array of a file is one of actions, (column, agent, step)."""
    return (
        name.partition(".")[0] == ACTIONS
        and (array.dtype.str, array.ndim) == ("<i2", 3)
        and array.shape[2] == steps
        and array.min(initial=0) >= -PER_UNIT
    )


def read(path: Path) -> tuple[Trace, str]:
    """The trace in a file, and its digest.

    Raises:
        RecordError: if it is missing, damaged or of another form.
    """
    try:
        return unpacked(path.read_bytes(), path.name)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error})") from None
