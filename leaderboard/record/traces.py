"""Traces: the actions of an episode as whole numbers, and which of its steps were faulty.

A trace is what was played, so an episode can be played again from it to the last bit. On disk it is
safetensors, packed by xz, each column of each agent in one piece, which packs best; its digest is
that of the safetensors bytes.
"""

import hashlib
import lzma
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

ENDING: Final = ".safetensors.xz"
PER_UNIT: Final = 32767.0
BYTES: Final = 64 * 2**20
"""No trace unpacks to more."""
UNPACKING_BYTES: Final = 32 * 2**20  # of memory for xz, beyond the result
PRESET: Final = 6  # needs 9 MiB to unpack


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
    by_column = np.ascontiguousarray(trace.actions.transpose(2, 1, 0))
    raw = save({"actions": by_column, "faults": trace.faults})
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
        raise RecordError(f"{name}: is no trace ({error}); take the file as published") from None
    actions, faults = tensors.get("actions"), tensors.get("faults")
    if (
        not reader.eof
        or reader.unused_data
        or actions is None
        or faults is None
        or len(tensors) != 2
        or (actions.dtype.str, actions.ndim) != ("<i2", 3)
        or (faults.dtype.str, faults.shape) != ("|u1", actions.shape[2:])
        or faults.max(initial=0) > len(FAULTS)
        or actions.min(initial=0) < -PER_UNIT
    ):
        raise RecordError(f"{name}: is of another form than traces; take the file as published")
    by_step = np.ascontiguousarray(actions.transpose(2, 1, 0))
    return Trace(by_step, faults), hashlib.sha256(raw).hexdigest()


def read(path: Path) -> tuple[Trace, str]:
    """The trace in a file, and its digest.

    Raises:
        RecordError: if it is missing, damaged or of another form.
    """
    try:
        return unpacked(path.read_bytes(), path.name)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error})") from None
