"""The state of a compiled function: its bytecode, and that of all functions it calls.

Numba freezes what a function refers to (other compiled functions, constants of modules, fields of
named tuples), but keys what it keeps on disk by the function's own file. The fingerprint follows
the references instead, so it is the same exactly where the same code would be compiled. It reads
bytecode, so it does not matter in which files the sources are, or whether there are any.
"""

import dis
import hashlib
import sys
from collections.abc import Iterator
from enum import Enum
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

import llvmlite
import numba
import numpy as np
from numba.core import config, types
from numba.core.dispatcher import Dispatcher

PLAIN: Final = (bool, int, float, complex, str, bytes, type(None), np.generic, Enum)
SETTINGS: Final = (
    "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT",
    "DISABLE_INTEL_SVML", "FUNCTION_CACHE_SIZE",
)  # fmt: skip
"""Numba's settings that change the code and are not part of its own key."""


class UnknownValueError(Exception):
    """A compiled function refers to something whose state cannot be determined."""


def fingerprint(function: Dispatcher) -> tuple[str, list[Dispatcher]]:
    """Digest of a compiled function and of all it refers to, and the compiled ones among these.

    Versions of Python, Numba and NumPy are part of it; the processor is part of Numba's own key.

    Raises:
        UnknownValueError: if a reference has a state that cannot be determined.
    """
    reading = _Reading()
    settings = [getattr(config, name, None) for name in SETTINGS]
    reading.tell(sys.version, numba.__version__, llvmlite.__version__, np.__version__, settings)
    reading.value(function)
    return reading.digest.hexdigest(), reading.compiled


class _Reading:
    """What was met on the way, in order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.digest = hashlib.sha256()
        self.compiled: list[Dispatcher] = []
        self.places: dict[int, int] = {}  # of functions that were met, by identity

    def tell(self, *words: Any) -> None:
        """Add to the digest."""
        self.digest.update(repr(words).encode("utf-8", "surrogatepass"))

    def value(self, value: Any) -> None:
        """Add a value that a function refers to."""
        if isinstance(value, Dispatcher):
            self.dispatcher(value)
        elif isinstance(value, PLAIN):
            self.tell(type(value).__name__, value)
        elif isinstance(value, tuple | list):
            self.tell(type(value).__qualname__, len(value), getattr(value, "_fields", None))
            for part in value:
                self.value(part)
        elif isinstance(value, np.ndarray):
            self.tell(value.dtype.str, value.shape, value.tobytes())
        elif isinstance(value, type) and issubclass(value, tuple | BaseException):
            self.tell(value.__module__, value.__qualname__, getattr(value, "_fields", None))
        elif _versioned(value):
            name = getattr(value, "__qualname__", None) or getattr(value, "__name__", str(value))
            self.tell(type(value).__name__, name)
        else:
            raise UnknownValueError(f"{value!r} of {type(value).__name__}")

    def dispatcher(self, value: Dispatcher) -> None:
        """Add a compiled function, or its number if it was met before."""
        place = self.places.setdefault(id(value), len(self.places))
        self.tell("compiled", place)
        if place < len(self.compiled):
            return
        self.compiled.append(value)
        function: Any = value.py_func
        for name, option in sorted(value.targetoptions.items()):
            self.tell(name)
            self.value(option)
        self.tell(function.__kwdefaults__)
        self.value(function.__defaults__ or ())
        self.code(function.__code__, function)

    def code(self, code: CodeType, function: FunctionType) -> None:
        """Add bytecode with its constants and with what it refers to outside."""
        self.tell(code.co_code, code.co_names, code.co_varnames, code.co_freevars)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self.code(constant, function)
            elif isinstance(constant, frozenset):
                self.tell(sorted(map(repr, constant)))
            else:
                self.tell(constant)
        for value in _references(code, function):
            self.value(value)


def _references(code: CodeType, function: FunctionType) -> Iterator[Any]:
    """What a code reads from its module and from the functions around it.

    Of modules and classes it is the attribute that counts: `np.inf`, `settlement.grid_kernel`.
    """
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    found: list[Any] = []  # one value while a chain of attributes is followed
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        inside = bool(found) and isinstance(found[0], ModuleType | type)
        if inside and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            if hasattr(found[0], name):
                found = [getattr(found[0], name)]
            continue
        yield from found
        found = []
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name in function.__globals__:
            found = [function.__globals__[name]]
        elif instruction.opname == "LOAD_DEREF" and name in cells:
            found = [cells[name].cell_contents]
    yield from found


def _versioned(value: Any) -> bool:
    """Whether a value belongs to Python, NumPy or Numba, whose versions are told."""
    if isinstance(value, ModuleType):
        owner = value.__name__
    elif isinstance(value, FunctionType):
        owner = value.__module__
        if getattr(sys.modules.get(owner), "__dict__", None) is not value.__globals__:
            return False  # a file of the user that is named like a module of Python
    elif isinstance(value, type):
        owner = value.__module__
    else:
        builtin = type(value).__module__ in ("builtins", "numpy") and hasattr(value, "__name__")
        return builtin or isinstance(value, types.Type | np.dtype)
    top = owner.partition(".")[0]
    return top in ("numpy", "numba") or top in sys.stdlib_module_names
