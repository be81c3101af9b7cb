"""Plays every program of `programs` and tells what came of it, as JSON.

`python -m tests.leaderboard.attacked` does so as whoever runs it.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from leaderboard.sandbox.code.process import CodeProcess
from leaderboard.sandbox.process import FaultError
from leaderboard.season.season import Limits
from tests.leaderboard import endings, programs

ROOT = Path(__file__).resolve().parents[2]
HONEST = """
import numpy as np
class Sum:
    def act(self, observation, published, state):
        return np.array([observation.sum() + np.random.default_rng().random()]), state
def make(facts):
    return Sum()
"""


def process(source, columns=1, others=None, **limits):
    facts = {
        "features": ["one", "two"],
        "columns": [f"column_{number}" for number in range(columns)],
        "seed": 1,
    }
    setup = {"facts": facts, "allowed": 0, "series": []}
    files = {"policy.py": source.encode(), **(others or {})}
    patient = {"memory_mb": 256, "step_s": 60.0, "start_s": 600.0} | limits
    return CodeProcess(setup, files, Limits(**patient), b"noise")


def ask(asked, columns=1):
    question = np.ones(2, dtype=np.float32).tobytes()
    return np.frombuffer(asked.ask(question, 8 * columns), dtype=np.float64).tolist()


def honest():
    """What a good program answers, and what holds it."""
    with process(HONEST) as asked:
        return [ask(asked), ask(asked)], asked.level


def attempts():
    """Attack -> whether it came off, of those that one program makes."""
    count = len(programs.ATTEMPTS)
    with process(programs.attempting(os.getpid(), ROOT), count) as asked:
        try:
            return dict(zip(programs.ATTEMPTS, map(bool, ask(asked, count)), strict=True))
        except FaultError as fault:
            raise AssertionError(f"{fault.kind}: {asked.told}") from None


def ending(name):
    """The fault in which an attack ends."""
    source, fault = endings.ended(name)
    with process(source, **({"step_s": 1.0} if fault == "late" else {})) as asked:
        try:
            return str(ask(asked))
        except FaultError as found:
            return found.kind


def notes():
    """What three programs find of each other: two at once, one after them."""
    with process(endings.NOTES, 2) as one, process(endings.NOTES, 2) as other:
        found = [ask(one, 2), ask(other, 2)]
    with process(endings.NOTES, 2) as later:
        return [*found, ask(later, 2)]


def sources():
    """Which sources of numbers are alike in two processes of one seat."""
    with process(endings.SOURCES, 6) as one, process(endings.SOURCES, 6) as other:
        pairs = zip(ask(one, 6), ask(other, 6), strict=True)
        return [mine == yours for mine, yours in pairs]


def everything():
    before = honest()
    found = {
        "user": os.geteuid(),
        "level": before[1],
        "attempts": attempts(),
        "endings": {name: ending(name) for name in endings.ENDINGS},
        "notes": notes(),
        "sources": sources(),
    }
    return {**found, "same": honest() == before}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(everything()) + "\n")
