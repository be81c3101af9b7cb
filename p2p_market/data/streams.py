"""Streams of random numbers, one per member: what one draws, or leaves undrawn, moves no other.

In compiled functions a stream gives the numbers of NumPy's `Generator(PCG64(seed))`, to the last
bit, without the cost of making one: the seed is hashed as `numpy.random.SeedSequence` does. Where
nothing is compiled it is NumPy's generator itself, so each form is the test of the other. Sources:
O'Neill (2014), "PCG", Harvey Mudd College; Marsaglia and Tsang (2000), "The ziggurat method",
J. Stat. Softw. 5(8), doi:10.18637/jss.v005.i08; Lemire (2019), doi:10.1145/3230636.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numba import njit
from numba.core import config
from numba.np.random._constants import (
    fi_double,
    ki_double,
    wi_double,
    ziggurat_nor_inv_r,
    ziggurat_nor_r,
)
from numpy.typing import NDArray

Words = NDArray[np.uint64]

_U = np.uint64
_ZERO, _ONE, _HALF, _MASK = _U(0), _U(1), _U(32), _U(0xFFFFFFFF)
_INIT_A, _MULT_A, _INIT_B, _MULT_B = _U(0x43B0D7E5), _U(0x931E8875), _U(0x8B51F9DD), _U(0x58F38DED)
_MIX_L, _MIX_R, _SHIFT = _U(0xCA01F9DD), _U(0x4973F715), _U(16)
_MULT_HIGH, _MULT_LOW = _U(2549297995355413924), _U(4865540595714422341)
_DOUBLE: Final = 1.0 / 9007199254740992.0  # 2**-53


ITSELF: Final = np.int64(-1)
"""In place of a child's number: the stream of the root itself."""


def stream(seed: np.random.SeedSequence, number: int) -> np.random.Generator:
    """Generator of the child that `seed.spawn` would give at this place, without the others."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))
    return np.random.Generator(np.random.PCG64(child))


def words(entropy: Sequence[int], *path: int) -> Words:
    """Entropy of the streams below a child of a `SeedSequence`, in words of 32 bits.

    Args:
        entropy: whole numbers, as a `SeedSequence` takes them.
        path: spawn key of the child.
    """
    root = [word for number in entropy for word in _words(number)]
    root += [0] * (4 - len(root))
    return np.array(root + [word for number in path for word in _words(number)], dtype=np.uint64)


def _words(number: int) -> Iterator[int]:
    yield number & 0xFFFFFFFF
    while number := number >> 32:
        yield number & 0xFFFFFFFF


@njit
def _hash(value, constant):  # type: ignore[no-untyped-def]
    """Mix one word of a seed; also returns the constant for the next word."""
    value ^= constant
    constant = (constant * _MULT_A) & _MASK
    value = (value * constant) & _MASK
    return value ^ (value >> _SHIFT), constant


@njit
def _mix(x, y):  # type: ignore[no-untyped-def]
    mixed = (_MIX_L * x - _MIX_R * y) & _MASK
    return mixed ^ (mixed >> _SHIFT)


@njit
def _pool(root, child):  # type: ignore[no-untyped-def]
    """Mix all words of a seed into a pool of four words."""
    pool, constant = np.empty(4, dtype=np.uint64), _INIT_A
    for i in range(4):
        pool[i], constant = _hash(root[i], constant)
    for source in range(4):
        for i in range(4):
            if i != source:
                value, constant = _hash(pool[source], constant)
                pool[i] = _mix(pool[i], value)
    for source in range(4, root.shape[0] + (1 if child >= 0 else 0)):
        word = root[source] if source < root.shape[0] else _U(child)
        for i in range(4):
            value, constant = _hash(word, constant)
            pool[i] = _mix(pool[i], value)
    return pool


@njit
def _high(a, b):  # type: ignore[no-untyped-def]
    """Upper 64 bits of the product of two 64-bit words."""
    a0, a1, b0, b1 = a & _MASK, a >> _HALF, b & _MASK, b >> _HALF
    middle = a1 * b0 + ((a0 * b0) >> _HALF)
    return a1 * b1 + (middle >> _HALF) + (((middle & _MASK) + a0 * b1) >> _HALF)


@njit
def _next(high, low, step_high, step_low):  # type: ignore[no-untyped-def]
    """The 128-bit state after one step, and the 64 bits that the step gives."""
    after_low = low * _MULT_LOW + step_low
    after_high = _high(low, _MULT_LOW) + high * _MULT_LOW + low * _MULT_HIGH + step_high
    if after_low < step_low:
        after_high += _ONE
    folded, turn = after_high ^ after_low, after_high >> _U(58)
    return after_high, after_low, (folded >> turn) | (folded << ((_U(64) - turn) & _U(63)))


@njit
def _seeded(root, child):  # type: ignore[no-untyped-def]
    """Four 64-bit words of a seed, and room for two more."""
    pool, constant, seed = _pool(root, child), _INIT_B, np.zeros(6, dtype=np.uint64)
    for i in range(8):
        value = pool[i % 4] ^ constant
        constant = (constant * _MULT_B) & _MASK
        value = (value * constant) & _MASK
        value ^= value >> _SHIFT
        seed[i // 2] |= value << _HALF if i % 2 else value
    return seed


@njit
def _opened(root, child):  # type: ignore[no-untyped-def]
    """A stream: its state, high and low, its step, high and low, a word of 32 bits kept or not."""
    seed = _seeded(root, child)
    high, low = seed[0], seed[1]
    seed[2] = (seed[2] << _ONE) | (seed[3] >> _U(63))
    seed[3] = (seed[3] << _ONE) | _ONE
    low += seed[3]
    high += seed[2] + (_ONE if low < seed[3] else _ZERO)
    seed[0], seed[1], _ = _next(high, low, seed[2], seed[3])
    return seed


@njit
def _word(state):  # type: ignore[no-untyped-def]
    """The next 64 random bits."""
    state[0], state[1], word = _next(state[0], state[1], state[2], state[3])
    return word


@njit
def _half(state):  # type: ignore[no-untyped-def]
    """The next 32 random bits: the low half of a word, then its high half."""
    if state[4] == _ONE:
        state[4] = _ZERO
        return state[5]
    word = _word(state)
    state[4], state[5] = _ONE, word >> _HALF
    return word & _MASK


@njit
def _below(state, count):  # type: ignore[no-untyped-def]
    """A whole number from 0 to `count - 1`; Lemire (2019)."""
    if count <= 1:
        return 0
    most = _U(count)
    product = _half(state) * most
    if product & _MASK < most:
        threshold = (_MASK - (most - _ONE)) % most
        while product & _MASK < threshold:
            product = _half(state) * most
    return np.int64(product >> _HALF)


@njit
def _share(state):  # type: ignore[no-untyped-def]
    """Uniform from 0 to 1."""
    return np.float64(_word(state) >> _U(11)) * _DOUBLE


@njit
def _unusual(state, x, layer, bits):  # type: ignore[no-untyped-def]
    """The edge of the ziggurat: a normal number, or nan if another one must be drawn."""
    if layer == 0:
        while True:
            beyond = -ziggurat_nor_inv_r * np.log1p(-_share(state))
            if -2.0 * np.log1p(-_share(state)) > beyond * beyond:
                tail = ziggurat_nor_r + beyond
                return -tail if (bits >> _U(8)) & _ONE else tail
    height = (fi_double[layer - 1] - fi_double[layer]) * _share(state) + fi_double[layer]
    return x if height < np.exp(-0.5 * x * x) else np.nan


@njit
def _fill_normal(state, out):  # type: ignore[no-untyped-def]
    """Standard normal numbers; Marsaglia and Tsang (2000)."""
    for i in range(out.shape[0]):
        value = np.nan
        while np.isnan(value):
            word = _word(state)
            layer = np.int64(word & _U(0xFF))
            bits = (word >> _U(9)) & _U(0x000FFFFFFFFFFFFF)
            x = np.float64(bits) * wi_double[layer]
            if (word >> _U(8)) & _ONE:
                x = -x
            value = x if bits < ki_double[layer] else _unusual(state, x, layer, bits)
        out[i] = value


def _sequence(root: Words, child: int) -> np.random.SeedSequence:
    numbers = [int(word) for word in root]
    path = numbers[4:] if child < 0 else [*numbers[4:], child]
    return np.random.SeedSequence(numbers[:4], spawn_key=path)


def _fill_by_numpy(generator: np.random.Generator, out: Any) -> None:
    out[:] = generator.standard_normal(len(out))


_PLAIN: Final[tuple[Any, ...]] = (
    lambda root, child: np.random.Generator(np.random.PCG64(_sequence(root, child))),
    lambda root, child: _sequence(root, child).generate_state(4, np.uint64),
    lambda generator, count: int(generator.integers(count)),
    lambda generator: float(generator.random()),
    _fill_by_numpy,
)
_COMPILED: Final[tuple[Any, ...]] = _opened, _seeded, _below, _share, _fill_normal
opened, seeded, below, share, fill_normal = _PLAIN if config.DISABLE_JIT else _COMPILED
"""A stream by the words of its root and its number, or `ITSELF`; four words of 64 bits
of such a seed; what a stream draws: a whole number, a share of 1, normal numbers."""
