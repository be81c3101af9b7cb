"""How many bits per second one program can tell another by time alone.

`python -m tools.measure_timing` plays two programs as the leaderboard does: in turns, each stopped
while the other is asked (two seats), and at the same moment (two episodes on two processors). One
spends time or not, as a bit says; the other tells them apart by its clock. Then one looks up names
that are not there, and the other sees on its clock which names the kernel knows already. What it
prints stands in docs/leaderboard-security.md.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from leaderboard.sandbox.code.process import CodeProcess
from leaderboard.season.season import Limits
from p2p_market.records import FloatArray

BITS = 400
SENDER = """
import time
import numpy as np
class Sender:
    def act(self, observation, published, state):
        until = time.monotonic() + observation[1]
        block = np.ones(2**22)
        while time.monotonic() < until:
            if observation[0] > 0.0:
                block += 1.0
            else:
                time.sleep(0.001)
        return np.zeros(1), state
def make(facts):
    return Sender()
"""
TURNS = SENDER.replace("until = time.monotonic() + observation[1]", "until = time.monotonic() + "
                       "(observation[1] if observation[0] > 0.0 else 0.0)")  # fmt: skip
RECEIVER = """
import time
import numpy as np
class Receiver:
    last = 0.0
    def act(self, observation, published, state):
        waited, begun, rounds = time.monotonic() - self.last, time.monotonic(), 0
        block = np.ones(2**22)
        while time.monotonic() < begun + observation[1]:
            block += 1.0
            rounds += 1
        self.last = time.monotonic()
        return np.array([float(rounds) if observation[1] > 0.0 else waited]), state
def make(facts):
    return Receiver()
"""
NAMES, ROUNDS = 20, 100
"""Bits of a question, few enough for a float32, and questions."""
KNOWING = """
import os, time
import numpy as np
def look_up(name):
    begun = time.perf_counter()
    os.path.exists(f"/opt/wheels/numpy/{name}")
    return time.perf_counter() - begun
class Knowing:
    def start(self, seed):
        return 0
    def act(self, observation, published, state):
        word, mark = int(observation[0]), f"{float(observation[1])}-{state}"
        names = [f"{mark}-{bit}" for bit in range(20)]
        if word >= 0:  # the one that tells
            for bit, name in enumerate(names):
                if word >> bit & 1:
                    look_up(name)
            return np.zeros(1), state + 1
        new = [look_up(f"{mark}-new-{number}") for number in range(9)]
        known = [look_up(f"{mark}-new-{number}") for number in range(9)]
        limit = (np.median(new) + np.median(known)) / 2.0
        heard = sum((look_up(name) < limit) << bit for bit, name in enumerate(names))
        return np.array([float(heard)]), state + 1
def make(facts):
    return Knowing()
"""


def process(source: str) -> CodeProcess:
    """A program with two features and one number to answer."""
    facts = {"features": ["bit", "seconds"], "columns": ["heard"], "seed": 0}
    setup = {"facts": facts, "allowed": 0, "series": []}
    limits = Limits(episode_s=3600.0, start_s=600.0)
    return CodeProcess(setup, {"policy.py": source.encode()}, limits, b"")


def ask(asked: CodeProcess, bit: float, seconds: float) -> float:
    """What a program answers."""
    answer = asked.ask(np.array([bit, seconds], dtype=np.float32).tobytes(), 8)
    return float(np.frombuffer(answer)[0])


def in_turns(sender: CodeProcess, receiver: CodeProcess, bit: float, seconds: float) -> float:
    """One step of two seats."""
    ask(sender, bit, seconds)
    return ask(receiver, 0.0, 0.0)


def at_once(sender: CodeProcess, receiver: CodeProcess, bit: float, seconds: float) -> float:
    """One step of two episodes on two processors."""
    with ThreadPoolExecutor(2) as both:
        told = both.submit(ask, sender, bit, seconds)
        heard = both.submit(ask, receiver, 0.0, seconds)
        told.result()
        return heard.result()


def capacity(bits: FloatArray, heard: FloatArray) -> tuple[float, float]:
    """Share of bits that the best threshold gets wrong, and bits that one of them carries.

    The threshold is chosen on the first half and judged on the second.
    """
    first, second = slice(0, len(bits) // 2), slice(len(bits) // 2, None)
    wrong = {
        (limit, sign): float(np.mean((sign * heard[first] > sign * limit) != bits[first]))
        for limit in heard[first].tolist()
        for sign in (-1.0, 1.0)
    }
    limit, sign = min(wrong, key=lambda one: wrong[one])
    error = float(np.mean((sign * heard[second] > sign * limit) != bits[second]))
    return error, carried_by(error)


def carried_by(error: float) -> float:
    """Bits that one bit carries of which this share is wrong."""
    if error in (0.0, 1.0):
        return 1.0
    return 1.0 + error * math.log2(error) + (1.0 - error) * math.log2(1.0 - error)


def names() -> str:
    """The same by names that one has looked up and the other looks up too, in turns."""
    words = np.random.default_rng(0).integers(0, 2**NAMES, ROUNDS).tolist()
    mark = int.from_bytes(os.urandom(2), "big")  # no names of an earlier run
    with process(KNOWING) as sender, process(KNOWING) as receiver:
        heard, seconds = [], 0.0
        for word in words:
            begun = time.monotonic()
            ask(sender, word, mark)
            heard.append(int(ask(receiver, -1.0, mark)))
            seconds += time.monotonic() - begun if len(heard) > 1 else 0.0
    wrong = sum((one ^ other).bit_count() for one, other in zip(words, heard, strict=True))
    error = wrong / (NAMES * ROUNDS)
    rate = carried_by(error) * NAMES * (ROUNDS - 1) / seconds
    return (
        f"names of files, {NAMES} in a step: {100.0 * error:.1f} % wrong, "
        f"{NAMES * carried_by(error):.1f} bit per step, {rate:.0f} bit/s at most\n"
    )


def main() -> None:
    """Measure both, at several lengths of a step."""
    bits = np.random.default_rng(0).integers(0, 2, BITS).astype(np.float64)
    plays: dict[str, tuple[str, Callable[..., float], float]] = {
        "seats in turns": (TURNS, in_turns, 0.5),
        "episodes at once": (SENDER, at_once, 1.0),
    }
    for name, (source, play, share) in plays.items():
        for seconds in (0.001, 0.01, 0.05):
            with process(source) as sender, process(RECEIVER) as receiver:
                in_turns(sender, receiver, 0.0, seconds)  # starts them, in this thread
                heard = np.array([play(sender, receiver, bit, seconds) for bit in bits.tolist()])
            error, carried = capacity(bits, heard)
            sys.stdout.write(
                f"{name}, {1000.0 * seconds:.0f} ms: {100.0 * error:.1f} % wrong, "
                f"{carried:.2f} bit per step, {carried / (share * seconds):.0f} bit/s at most\n"
            )
    sys.stdout.write(names())


if __name__ == "__main__":
    main()
