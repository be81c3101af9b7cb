"""The state of a compiled function follows whatever it refers to, wherever that stands."""

import sys
from types import ModuleType

import pytest
from numba import njit

from p2p_market.community.fused import kernel
from p2p_market.compilation.fingerprint import UnknownValueError, fingerprint
from p2p_market.market import k_double_auction, merit_order

pytestmark = pytest.mark.compiled

HELPERS = """
from collections import namedtuple
from enum import Enum
import numpy as np
from numba import njit

RATE, TABLE = 0.5, np.array([1.0, 2.0])
Pair = namedtuple("Pair", "low high")

class Side(Enum):
    BUY = 1

@njit
def deepest(x):
    return x + 1.0

@njit(inline="always")
def middle(x, by=2.0):
    return deepest(x) * by
"""
OUTER = """
import numpy as np
from numba import njit
import helpers
from helpers import RATE, Pair, Side, middle

def around(own):
    @njit
    def inner(x):
        return middle(x) * own
    return inner

inner = around(3.0)

@njit(nogil=True)
def outer(x):
    '''A docstring.'''
    return inner(x) * RATE + helpers.TABLE[0] + Pair(x, np.inf).low + Side.BUY.value
"""


def state(helpers=HELPERS, outer=OUTER):
    """Fingerprint of `outer` out of two modules; nothing is compiled."""
    modules = {name: ModuleType(name) for name in ("helpers", "outer")}
    with pytest.MonkeyPatch.context() as patch:
        for name, source in (("helpers", helpers), ("outer", outer)):
            patch.setitem(sys.modules, name, modules[name])
            exec(compile(source, name, "exec"), vars(modules[name]))
    return fingerprint(modules["outer"].outer)[0]


def test_the_same_code_has_the_same_state():
    assert state() == state("# moved down\n" + HELPERS, OUTER + "\nunused = 1\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x + 1.0", "x + 2.0"),  # called by what is called
        ("by=2.0", "by=2.5"),
        ('inline="always"', 'inline="never"'),
        ("RATE, TABLE = 0.5", "RATE, TABLE = 0.6"),  # a constant that was imported by name
        ("np.array([1.0, 2.0])", "np.array([1.5, 2.0])"),  # one that is read from its module
        ('"low high"', '"high low"'),
        ("BUY = 1", "BUY = 2"),
        ("around(3.0)", "around(4.0)"),  # what a closure holds
        ("nogil=True", "nogil=True, fastmath=True"),
        ("np.inf", "np.nan"),
    ],
)
def test_a_change_anywhere_is_another_state(old, new):
    assert old in HELPERS + OUTER
    assert state(HELPERS.replace(old, new), OUTER.replace(old, new)) != state()


@pytest.mark.parametrize("value", ["lambda x: x", "object()", "type('Own', (), {})", "sys"])
def test_what_cannot_be_told_has_no_state(value):
    """Then nothing is kept on disk, rather than something that could be stale."""
    outer = OUTER.replace("import helpers\n", f"import helpers, sys\nother = {value}\n")
    outer = outer.replace("inner(x) * RATE", "other(x)")
    if value == "sys":  # a module of Python's own is told by its version
        assert state(outer=outer) == state(outer=outer)
        return
    with pytest.raises(UnknownValueError):
        state(outer=outer)


def test_the_whole_step_is_read(monkeypatch):
    """A change in the merit order is a change of the auction and of the step."""
    before = [fingerprint(one)[0] for one in (k_double_auction.clear_kernel, kernel.play)]
    monkeypatch.setattr(k_double_auction, "cross", njit(lambda a, b, c, d: (0.0, 0.0, 0.0, 0, 0)))
    after = [fingerprint(one)[0] for one in (k_double_auction.clear_kernel, kernel.play)]
    assert not set(before) & set(after)
    monkeypatch.undo()
    monkeypatch.setattr(merit_order, "ROUNDING_KW", 1e-8)
    assert fingerprint(kernel.play)[0] not in (before[1], after[1])
