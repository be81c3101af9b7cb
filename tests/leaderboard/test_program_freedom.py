"""D45 to D51: what a program could buy with faults, files, words and other odd answers."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from leaderboard.playing.code import LARGEST, Alone
from leaderboard.playing.roles import Actor
from leaderboard.record.traces import from_grid, to_grid
from leaderboard.sandbox.code.inside import Seat
from leaderboard.sandbox.code.process import TOLD_LINES
from leaderboard.sandbox.process import FaultError
from p2p_market.records import Column
from tests.leaderboard.attacked import HONEST, ask, process
from tests.leaderboard.bubble import needs_bubblewrap

pytestmark = pytest.mark.xdist_group("code")


class Counting:
    """Answers with the number of the question since it started."""

    def __init__(self, first=0):
        self.first, self.starts = first, 0

    def __enter__(self):
        self.asked, self.starts = self.first, self.starts + 1
        return self

    def __exit__(self, *error):
        pass

    def ask(self, question, answer_bytes):
        self.asked += 1
        return bytes([self.asked])


@pytest.fixture(scope="module")
def bubblewrap():
    needs_bubblewrap()


@pytest.mark.attack("D45")
@pytest.mark.parametrize(
    ("later", "found"), [(b"\1", True), (b"\2", False), (b"heard something", False)]
)
def test_a_fault_buys_no_freedom_from_being_repeated(later, found):
    alone = Alone(3, Counting())
    alone.stop(3)  # in its first step
    alone.keep(3, b"", b"\1")
    alone.keep(3, b"", b"\2")
    alone.keep(0, b"", b"of another seat")
    alone.stop(0)
    alone.stop(3)
    alone.keep(3, b"", later)
    assert alone.repeated() == found
    assert alone.again.starts == 3


@pytest.mark.attack("D46")
def test_none_is_there_to_tell_the_one_that_is_repeated():
    heard = []
    others = [SimpleNamespace(level="held", end=lambda: heard.append("ended"))] * 2
    alone = SimpleNamespace(repeated=lambda: heard.append("repeated"))
    _ = Actor({}, tuple(others), (SimpleNamespace(alone=alone),)).level
    assert heard == ["ended", "ended", "repeated"]


SLOW = """
import time
time.sleep(0.6)
class Slow:
    def act(self, observation, published, state):
        time.sleep(9.0)
def make(facts):
    return Slow()
"""


@pytest.mark.attack("D47")
def test_starting_again_is_paid_from_the_time_of_the_episode(bubblewrap):
    with process(SLOW, step_s=0.05, episode_s=1.0) as asked:
        for _ in range(9):
            with pytest.raises(FaultError, match="late"):
                ask(asked)
        assert 1.0 < asked.seconds < 9.0
        # locked and loaded; asked in vain: once, or twice where starting is quick, not nine times
        assert 3 < asked._number <= 3 * (2 + 1)


@pytest.mark.attack("D48")
@pytest.mark.parametrize("ending", ["abi3.so", "so", "pyc"])
def test_what_is_read_is_what_plays(ending, bubblewrap):
    others = {f"policy.{ending}": b"\x7fELF", "numpy.py": b"1 / 0", "struct.py": b"1 / 0"}
    with process(HONEST, others=others) as asked, process(HONEST) as usual:
        assert ask(asked) == ask(usual)


@pytest.mark.attack("D49")
def test_a_traceback_writes_no_letters_of_a_terminal_and_is_short(bubblewrap):
    source = "raise ValueError('line\\n' * 3000 + '\\x1b[2J\\u202e')"
    with process(source) as asked, pytest.raises(FaultError, match="dead"):
        ask(asked)
    assert len(asked.told.splitlines()) == TOLD_LINES
    assert asked.told.isascii()
    assert all(line.isprintable() for line in asked.told.splitlines())


MANY = """
import numpy as np
WORDS = [
    np.array([np.nan]), [np.inf], (-np.inf,), np.float64([1e308]), [5e-324], [-0.0], ["0.5"],
    [True], np.array([0.25], dtype=">f4"), np.ma.masked_array([2.0], [True]),
]
class Policy:
    def start(self, seed):
        return 0
    def act(self, observation, published, state):
        return WORDS[state], state + 1
def make(facts):
    return Policy()
"""


@pytest.mark.attack("D50")
def test_numbers_of_all_kinds_are_numbers_of_one_kind(bubblewrap):
    with process(MANY) as asked:
        found = [ask(asked)[0] for _ in range(10)]
    assert np.isnan(found[0])
    assert found[1:] == [np.inf, -np.inf, 1e308, 5e-324, 0.0, 0.5, 1.0, 0.25, 2.0]
    assert struct.pack("d", found[5]) == struct.pack("d", -0.0)
    held = np.clip(np.array([one for one in found if np.isfinite(one)])[:, None], -LARGEST, LARGEST)
    numbers = from_grid(to_grid(held), ())[:, 0]
    assert numbers.tolist() == pytest.approx([1.0, 0.0, 0.0, 0.5, 1.0, 0.25, 1.0], abs=1e-4)
    choices = from_grid(to_grid(held, [Column("choice", "", choices=3)]), ())[:, 0]
    assert (to_grid(held, [Column("choice", "", choices=3)])[:, 0] == [2, 0, 0, 0, 1, 0, 2]).all()
    assert choices.max() <= 2.0


@pytest.mark.attack("D51")
@pytest.mark.parametrize(
    "answer", [["no number"], [1j], [[1.0]], [1.0, 2.0], [], {1.0: 2}, [10**400], None, [None, 1]]
)
def test_what_is_no_number_ends_the_program(answer):
    seat = object.__new__(Seat)
    seat.numpy, seat.features, seat.columns, seat.allowed, seat.series = np, 1, 1, 0, []
    seat.state, seat.policy = None, SimpleNamespace(act=lambda *_: (answer, None))
    with pytest.raises((TypeError, ValueError, OverflowError)):
        seat(bytes(4))
