"""Many arrays as one argument of a compiled function.

Numba takes every array apart whenever a compiled function is called: a hundred of them cost more
than a step of sixteen prosumers. Here that is done once for many calls: places and shapes are
written into a table of words, and compiled functions read them from there.
"""

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.types.containers import BaseNamedTuple, BaseTuple
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    unbox,
)
from numba.np.arrayobj import make_array, populate_array


class Packed:
    """A named tuple, of arrays where they are now; it keeps them alive.

    Compiled functions and others know its fields by their names, as those of the tuple.
    """

    def __init__(self, values: Any, whole: bool = False) -> None:
        """Note where the arrays are.

        Args:
            whole: tuples inside stay packed where compiled functions hand them on; then they can be
                read by their fields alone, and much less code is compiled.
        """
        leaves = list(_leaves(values))
        kinds = whole, type(values), *(_kind(leaf) for leaf in leaves)
        if kinds not in _TYPES:
            _TYPES[kinds] = PackedType(numba.typeof(values), whole)
        self._values = values
        self._numba_type_ = _TYPES[kinds]
        self._words = np.array([word for leaf in leaves for word in _words(leaf)], dtype=np.int64)
        self._address = self._words.ctypes.data

    def __getattr__(self, name: str) -> Any:
        """A field of the tuple."""
        return getattr(self._values, name)


class PackedType(types.Type):
    """How Numba calls a `Packed` of a named tuple."""

    def __init__(self, values: Any, whole: bool) -> None:
        """Know the type of what is packed, and whether tuples inside stay packed."""
        self.values, self.whole = values, whole
        super().__init__(name=f"Packed({values}{', whole' if whole else ''})")

    @property
    def key(self) -> Any:
        """What makes two of them equal."""
        return self.values, self.whole

    @property
    def inside(self) -> tuple[Any, ...]:
        """Types that this one is made of, for whoever keeps compiled code."""
        return (self.values,)


_TYPES: dict[tuple[Any, ...], PackedType] = {}


def _leaves(value: Any) -> Iterator[Any]:
    """Arrays and numbers of a tuple of tuples, in order."""
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    elif value is not None:  # known by its type alone
        yield value


def _kind(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        assert leaf.flags.c_contiguous
        return leaf.dtype.char, leaf.ndim, leaf.flags.writeable
    return type(leaf)


def _words(leaf: Any) -> tuple[int, ...]:
    """What the table says of a leaf: place and shape of an array, bits of a number."""
    if isinstance(leaf, np.ndarray):
        return leaf.__array_interface__["data"][0], *leaf.shape
    return (int(np.float64(leaf).view(np.int64)) if isinstance(leaf, float) else int(leaf),)


@register_model(PackedType)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    """The table's place."""

    def __init__(self, manager: Any, kind: PackedType) -> None:
        """Hold it as a pointer to words."""
        super().__init__(manager, kind, ir.IntType(64).as_pointer())


@unbox(PackedType)  # type: ignore[untyped-decorator]
def _unbox(kind: PackedType, value: Any, c: Any) -> NativeValue:
    address = c.pyapi.object_getattr_string(value, "_address")
    place = c.builder.inttoptr(c.pyapi.long_as_longlong(address), ir.IntType(64).as_pointer())
    c.pyapi.decref(address)
    return NativeValue(place)


@infer_getattr
class _Attributes(AttributeTemplate):  # type: ignore[misc]
    key = PackedType

    def generic_resolve(self, kind: PackedType, name: str) -> Any:
        fields = kind.values.fields
        return _seen(kind, fields.index(name)) if name in fields else None


@lower_getattr_generic(PackedType)  # type: ignore[untyped-decorator]
def _field(context: Any, builder: Any, kind: PackedType, table: Any, name: str) -> Any:
    number = kind.values.fields.index(name)
    first = sum(map(_length, kind.values.types[:number]))
    if isinstance(_seen(kind, number), PackedType):
        return builder.gep(table, [ir.Constant(ir.IntType(64), first)], inbounds=True)
    places, unchanged = iter(range(first, 2**31)), builder.module.add_metadata([])

    def word() -> Any:
        place = ir.Constant(ir.IntType(64), next(places))
        read = builder.load(builder.gep(table, [place], inbounds=True))
        read.set_metadata("invariant.load", unchanged)  # nobody writes into the table meanwhile
        return read

    return _value(context, builder, kind.values.types[number], word)


def _seen(kind: PackedType, number: int) -> types.Type:
    """What a field is in compiled code."""
    field: types.Type = kind.values.types[number]
    packed = kind.whole and isinstance(field, BaseNamedTuple)
    return PackedType(field, True) if packed else field


def _length(kind: types.Type) -> int:
    """Words that a value of a type takes."""
    if isinstance(kind, BaseTuple):
        return sum(map(_length, kind))
    if kind == types.none:
        return 0
    return 1 + kind.ndim if isinstance(kind, types.Array) else 1


def _value(context: Any, builder: Any, kind: types.Type, word: Any) -> Any:
    """What the next words of the table stand for."""
    if isinstance(kind, BaseTuple):
        parts = [_value(context, builder, part, word) for part in kind]
        return context.make_tuple(builder, kind, parts)
    if kind == types.none:
        return context.get_dummy_value()
    if isinstance(kind, types.Array):
        return _array(context, builder, kind, word)
    if isinstance(kind, types.Float):
        return builder.bitcast(word(), ir.DoubleType())
    return context.cast(builder, word(), types.int64, kind)


def _array(context: Any, builder: Any, kind: types.Array, word: Any) -> Any:
    array = make_array(kind)(context, builder)  # type: ignore[no-untyped-call]
    data = builder.inttoptr(word(), array.data.type)
    shape = [word() for _ in range(kind.ndim)]
    itemsize = context.get_constant(types.intp, np.dtype(str(kind.dtype)).itemsize)
    strides = [itemsize]
    for length in reversed(shape[1:]):
        strides.insert(0, builder.mul(strides[0], length))
    populate_array(array, data, shape, strides, itemsize, None)  # type: ignore[no-untyped-call]
    return array._getvalue()
