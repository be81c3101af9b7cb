"""Policies and a mechanism as other people write them: many of them broken, each in its own way."""

import os
import random  # noqa: TID251
from dataclasses import replace
from itertools import count

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.market import MECHANISMS

FAILS_AT = 3
calls = count()


class Idle:
    """Asks for nothing."""

    def __init__(self, scenario):
        self.scenario, self.width, self.asked = scenario, action_map(scenario).width, 0

    def start(self, seeds):
        return 0

    def act(self, seen, step):
        if step == FAILS_AT:
            return self.wrong(seen, step)
        return self.right(seen), step + 1

    def right(self, seen):
        return np.zeros((*seen.shape[:2], self.width))

    def wrong(self, seen, step):
        return self.right(seen), step + 1


class OddError(Exception):
    """Does not travel between processes: its constructor is another."""

    def __init__(self, one, two):
        super().__init__(f"{one}\n{two} \x1b[31m")
        self.cannot_be_pickled = lambda: one


class SilentError(Exception):
    def __str__(self):
        raise SystemExit


class Everything(BaseException):
    """What `except Exception` does not catch."""


class Raises(Idle):
    def wrong(self, seen, step):
        raise OddError("x", "y")


class RaisesSilently(Idle):
    def wrong(self, seen, step):
        raise SilentError


class RaisesEverything(Idle):
    def wrong(self, seen, step):
        raise Everything("all")


class Leaves(Idle):
    def wrong(self, seen, step):
        raise SystemExit(3)


class Stops(Idle):
    def wrong(self, seen, step):
        return next(iter(()))


class Recursive(Idle):
    def wrong(self, seen, step):
        return self.wrong(seen, step)


class Interrupts(Idle):
    def wrong(self, seen, step):
        raise KeyboardInterrupt


class GoesAway(Idle):
    def right(self, seen):
        os.chdir("/")
        return super().right(seen)


class EndsItsProcess(Idle):
    def wrong(self, seen, step):
        os._exit(9)


class EndsAtOnce(Idle):
    def right(self, seen):
        os._exit(9)


class OtherShape(Idle):
    def wrong(self, seen, step):
        return np.zeros((1, 2)), step + 1


class Flat(Idle):
    def wrong(self, seen, step):
        return self.right(seen)[0], step + 1


class Whole(Idle):
    def wrong(self, seen, step):
        return self.right(seen).astype(int), step + 1


class Complex(Idle):
    def wrong(self, seen, step):
        return self.right(seen) * 1j, step + 1


class Ragged(Idle):
    def wrong(self, seen, step):
        return [[0.0], [0.0, 1.0]], step + 1


class Masked(Idle):
    def wrong(self, seen, step):
        return np.ma.masked_array(self.right(seen), mask=True), step + 1


class Generator(Idle):
    def wrong(self, seen, step):
        return (row for row in self.right(seen)), step + 1


class Nothing(Idle):
    def wrong(self, seen, step):
        return None


class Alone(Idle):
    def wrong(self, seen, step):
        return self.right(seen)


class Three(Idle):
    def wrong(self, seen, step):
        return self.right(seen), step + 1, {}


class AtOnce(Idle):
    def start(self, seeds):
        raise ValueError("no start")


def never(scenario):
    raise LookupError("no such weights")


class GlobalDraws(Idle):
    def right(self, seen):
        return np.random.uniform(-1.0, 1.0, (*seen.shape[:2], self.width))  # noqa: NPY002


class PythonDraws(Idle):
    def right(self, seen):
        return np.full((*seen.shape[:2], self.width), random.random())


class HiddenState(Idle):
    def right(self, seen):
        self.asked += 1
        return np.full((*seen.shape[:2], self.width), np.sin(self.asked))


class ModuleState(Idle):
    def right(self, seen):
        return np.full((*seen.shape[:2], self.width), np.sin(next(calls)))


class DrawnWhenMade(Idle):
    def __init__(self, scenario):
        super().__init__(scenario)
        self.weight = np.random.default_rng().uniform()

    def right(self, seen):
        return np.full((*seen.shape[:2], self.width), self.weight)


class OrderOfHashes(Idle):
    """Another one in each process."""

    def right(self, seen):
        return np.full((*seen.shape[:2], self.width), np.sin(hash("prosumer")))


class Seeded(Idle):
    """Draws as it should."""

    def start(self, seeds):
        return 0, [np.random.default_rng(seed) for seed in seeds]

    def act(self, seen, memory):
        step, generators = memory
        drawn = [one.uniform(-1.0, 1.0, (seen.shape[1], self.width)) for one in generators]
        return np.array(drawn), (step + 1, generators)


class LooksAround(Idle):
    def right(self, seen):
        return np.tile(
            np.tanh(seen.mean(axis=(1, 2)))[:, None, None], (1, seen.shape[1], self.width)
        )


class RemembersOthers(Idle):
    """Looks at its own row now, and knows of all others from the step before."""

    def start(self, seeds):
        return np.zeros(len(seeds))

    def act(self, seen, before):
        actions = self.right(seen) + np.tanh(before)[:, None, None]
        return actions, seen.mean(axis=(1, 2)).astype(float)


class Later(Idle):
    """Behaves on the first day, and not after it."""

    def act(self, seen, step):
        late = step >= self.scenario.steps_per_day
        return (self.late(seen) if late else self.right(seen)), step + 1


class DrawsLater(Later):
    late = GlobalDraws.right


class LooksAroundLater(Later):
    late = LooksAround.right


class FailsLaterAgain(Later):
    """Fails when it is asked a second time."""

    def late(self, seen):
        self.asked += 1
        if self.asked > self.scenario.steps - self.scenario.steps_per_day:
            raise ValueError("asked too often")
        return self.right(seen)


class TellsTheCalendar(Idle):
    """Takes from the first row what all rows show alike."""

    def right(self, seen):
        common = (seen == seen[:, :1]).all(axis=(0, 1))
        value = np.tanh(seen[:, 0, common].sum(axis=-1))
        return np.tile(value[:, None, None], (1, seen.shape[1], self.width))


class TooLarge(Idle):
    def right(self, seen):
        return np.full((*seen.shape[:2], self.width), 1e7)


class NoNumbers(Idle):
    def right(self, seen):
        return np.full((*seen.shape[:2], self.width), np.nan)


class InKilowatts(Idle):
    def right(self, seen):
        return np.full((*seen.shape[:2], self.width), 4.0)


class Knows:
    def __init__(self, scenario):
        self.scenario = scenario

    def informed(self, episode):
        return Idle(self.scenario)


class KnowsAndFails(Knows):
    def informed(self, episode):
        raise ValueError("too much")


class NoIdentity:
    def __init__(self, scenario):
        pass

    def plan(self, episode):
        return None


class NoStart:
    def __init__(self, scenario):
        pass

    def act(self, observation, memory):
        return None


class OtherArguments(Idle):
    def act(self, seen):
        return self.right(seen)


class NotCallable(Idle):
    start = 7


class KnowsNothing(Knows):
    def informed(self, episode):
        return None


def a_class(scenario):
    return Idle


def nobody(scenario):
    return None


def without_scenario():
    return Idle(None)


def failing_mechanism(step_price):
    """A rule that raises as soon as somebody buys."""
    sound = MECHANISMS["k_double_auction"]

    def clear(book):
        if (book.quantity_kw > 0.0).any() and (book.quantity_kw < 0.0).any():
            raise ArithmeticError(f"no price at {step_price}")
        return sound.clear(book)

    return replace(sound, clear=clear, kernel=None)


def thieving_mechanism():
    """A rule under which more is sold than bought."""
    sound = MECHANISMS["k_double_auction"]

    def clear(book):
        fills = sound.clear(book)
        return replace(fills, power_kw=np.minimum(fills.power_kw, 0.0))

    return replace(sound, clear=clear, kernel=None)
