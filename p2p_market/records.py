"""The base of all records, frozen with their arrays, and the types of arrays."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Base of all records: a frozen dataclass whose arrays are read-only as well."""

    def __post_init__(self) -> None:
        """Make every array read-only, those in mappings too."""
        for field in fields(self):
            value = getattr(self, field.name)
            for inner in value.values() if isinstance(value, Mapping) else (value,):
                if isinstance(inner, np.ndarray):
                    inner.setflags(write=False)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Pickled by its fields; built anew, its arrays are read-only again, a part of their type.

        Else every process that was sent a scenario would compile the kernels once more.
        """
        return type(self), tuple(getattr(self, field.name) for field in fields(self))
