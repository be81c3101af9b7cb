"""Traces: the actions of an episode as whole numbers, and which of its steps were faulty.

A trace is what was played, so an episode can be played again from it to the last bit. On disk it is
safetensors, deflated; its digest is that of the safetensors bytes.
"""

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from leaderboard.record import FAULTS
from p2p_market.errors import RecordError
from p2p_market.records import FloatArray, Record

ENDING: Final = ".safetensors.z"
PER_UNIT: Final = 32767.0
BYTES: Final = 64 * 2**20
"""No trace unpacks to more."""


@dataclass(frozen=True, slots=True)
class Trace(Record):
    """One episode as it was played."""

    actions: NDArray[np.int16]  # (step, agent, column), n stands for n / 32767
    faults: NDArray[np.uint8]  # (step,), 0 = sound, else 1 + place in FAULTS

    def counts(self) -> dict[str, int]:
        """Faulty steps by kind."""
        found = np.bincount(self.faults, minlength=len(FAULTS) + 1)[1:].tolist()
        return {kind: count for kind, count in zip(FAULTS, found, strict=True) if count}


def to_grid(actions: NDArray[Any]) -> NDArray[np.int16]:
    """Finite actions as whole numbers; what lies outside [-1, 1] counts as its end."""
    numbers: NDArray[np.int16] = np.rint(np.clip(actions, -1.0, 1.0) * PER_UNIT).astype(np.int16)
    return numbers


def from_grid(numbers: NDArray[np.int16]) -> FloatArray:
    """Actions out of whole numbers."""
    return np.asarray(numbers / PER_UNIT)


def packed(trace: Trace) -> tuple[bytes, str]:
    """The file of a trace, and its digest."""
    raw = save({"actions": trace.actions, "faults": trace.faults})
    return zlib.compress(raw, 9), hashlib.sha256(raw).hexdigest()


def unpacked(data: bytes, name: str = "trace") -> tuple[Trace, str]:
    """The trace in a file's bytes, and its digest.

    Raises:
        RecordError: if it is damaged or of another form.
    """
    reader = zlib.decompressobj()
    try:
        raw = reader.decompress(data, BYTES)
        tensors = load(raw)
    except (zlib.error, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise RecordError(f"{name}: is no trace ({error}); take the file as published") from None
    actions, faults = tensors.get("actions"), tensors.get("faults")
    if (
        not reader.eof
        or reader.unused_data
        or actions is None
        or faults is None
        or len(tensors) != 2
        or (actions.dtype.str, actions.ndim) != ("<i2", 3)
        or (faults.dtype.str, faults.shape) != ("|u1", actions.shape[:1])
        or faults.max(initial=0) > len(FAULTS)
        or actions.min(initial=0) < -PER_UNIT
    ):
        raise RecordError(f"{name}: is of another form than traces; take the file as published")
    return Trace(actions, faults), hashlib.sha256(raw).hexdigest()


def read(path: Path) -> tuple[Trace, str]:
    """The trace in a file, and its digest.

    Raises:
        RecordError: if it is missing, damaged or of another form.
    """
    try:
        return unpacked(path.read_bytes(), path.name)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error})") from None
