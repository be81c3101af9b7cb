"""The base of all records, frozen with their arrays, and the types of arrays."""

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Base of all records: a frozen dataclass whose arrays are read-only as well."""

    Arrays = cast(Any, None)  # of a class that `for_kernels` was put on

    def arrays(self) -> Any:
        """The fields as a named tuple."""
        return self.Arrays._of(self)

    def __post_init__(self) -> None:
        """Make every array read-only, those in mappings too."""
        names: tuple[str, ...] = self.__match_args__  # its fields
        for name in names:
            value = getattr(self, name)
            for inner in value.values() if isinstance(value, Mapping) else (value,):
                if isinstance(inner, np.ndarray):
                    inner.setflags(write=False)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Pickled by its fields; built anew, its arrays are read-only again, a part of their type.

        Else every process that was sent a scenario would compile the kernels once more.
        """
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


R = TypeVar("R", bound=Record)


def for_kernels(record: type[R]) -> type[R]:
    """Give a record `Arrays`, a named tuple of its fields: the form in which kernels take it.

    It can be reached by its name, so that what is compiled for it can be kept on disk.
    """
    names = [field.name for field in fields(record)]
    arrays = cast(Any, namedtuple)("Arrays", names, module=record.__module__)
    arrays.__qualname__ = f"{record.__qualname__}.Arrays"
    read = attrgetter(*names)
    arrays._of = staticmethod(lambda one: arrays._make(read(one)))
    record.Arrays = arrays
    return record
