"""Episodes under seeded random actions, and digests of all that an environment shows."""

import contextlib
import hashlib
import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.errors import ConformanceError

Environment = ParallelEnv[Any, Any, Any]
Factory = Callable[[], Environment] | str
"""Makes a new environment at each call; or `module:function`, its place as text."""
Shown = tuple[dict[str, Any], ...]
"""Observations, rewards, terminations, truncations, infos."""

SEED: Final = 3


def sampler(env: Environment, seed: int, missing: float = 0.0) -> Callable[[], dict[Any, Any]]:
    """Draws joint actions from copies of the action spaces, so that the environment's stay."""
    spaces = {agent: deepcopy(env.action_space(agent)) for agent in env.possible_agents}
    for number, space in enumerate(spaces.values()):
        space.seed(1000 * seed + number)
    generator = np.random.default_rng(seed)

    def act() -> dict[Any, Any]:
        left_out = int(generator.random() < missing)
        return {agent: spaces[agent].sample() for agent in env.agents[left_out:]}

    return act


def steps_of(env: Environment, steps: int, seed: int, missing: float = 0.0) -> Iterator[Shown]:
    """What each step shows from here on, under seeded random actions."""
    act = sampler(env, seed, missing)
    for _ in range(steps):
        if not env.agents:
            return
        yield env.step(act())


def play(
    env: Environment,
    steps: int,
    seed: int = SEED,
    actions: int | None = None,
    options: dict[str, Any] | None = None,
    missing: float = 0.0,
) -> Iterator[Shown]:
    """What `reset` and then each step shows; `actions` seeds the actions, if not as `seed`."""
    observations, infos = env.reset(seed=seed, options=options)
    yield observations, {}, {}, {}, infos
    yield from steps_of(env, steps, seed if actions is None else actions, missing)


def trace(
    env: Environment,
    steps: int,
    seed: int = SEED,
    actions: int | None = None,
    options: dict[str, Any] | None = None,
) -> list[str]:
    """Digest of all that `reset` and each step shows, joint states included."""
    shown = play(env, steps, seed, actions, options)
    return [digest((all_of_it, joint_state(env))) for all_of_it in shown]


def joint_state(env: Environment) -> Any:
    """The joint state, if the environment has one."""
    try:
        return env.state()
    except NotImplementedError:
        return None


def digest(value: Any) -> str:
    """Digest of numbers, text, arrays, and of tuples, lists and dicts of these, to the last bit.

    Raises:
        ConformanceError: if there is anything else.
    """
    return hashlib.sha256(b"".join(_pieces(value))).hexdigest()


def _pieces(value: Any) -> Iterator[bytes]:
    match value:
        case Mapping():
            for key in sorted(value, key=str):
                yield f"{key!r}:".encode()
                yield from _pieces(value[key])
        case list() | tuple():
            yield f"{len(value)} ".encode()
            for part in value:
                yield from _pieces(part)
        case np.ndarray() | np.generic() if np.asarray(value).dtype != object:
            yield f"{value.dtype}{value.shape}".encode()
            yield np.ascontiguousarray(value).tobytes()
        case None | bool() | int() | float() | str() | bytes():
            yield repr(value).encode()  # repr of a float is exact
        case _:
            raise ConformanceError(
                f"an environment shows a {type(value).__name__}; observations, rewards and infos "
                "hold numbers, text, arrays, and lists or dicts of these"
            )


def arrays(value: Any) -> Iterator[NDArray[Any]]:
    """All arrays in an observation."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from arrays(part)
    else:
        yield np.asarray(value)


def finite(value: Any) -> bool:
    """No number in an observation or reward is infinite or none at all."""
    return all(bool(np.isfinite(array).all()) for array in arrays(value) if array.dtype.kind != "U")


def name_of(env: Environment) -> str:
    """The name in the metadata, or else the class."""
    return str(getattr(env, "metadata", {}).get("name", type(env).__name__))


def new(make: Factory) -> Environment:
    """A new environment."""
    if not isinstance(make, str):
        return make()
    module, _, function = make.partition(":")
    made: Environment = getattr(importlib.import_module(module), function)()
    return made


_CHILD: Final = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from p2p_market.testing.playing import report_trace
report_trace()
"""


def report_trace() -> None:
    """In the other process: factory and steps come from standard input, the trace goes back."""
    with contextlib.redirect_stdout(sys.stderr):
        make, steps = pickle.load(sys.stdin.buffer)
        found = trace(new(make), steps)
    sys.stdout.write("\n".join(found))


def trace_elsewhere(make: Factory, steps: int) -> list[str]:
    """The trace as a new process finds it, where text has other hashes.

    Raises:
        ConformanceError: if the factory cannot be imported there.
    """
    try:
        message = pickle.dumps(sys.path) + pickle.dumps((make, steps))
        command = [sys.executable, "-c", _CHILD]
        other = {"PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"}
        done = subprocess.run(
            command, input=message, env=os.environ | other, capture_output=True, check=True
        )
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConformanceError(
            f"{make}: another process cannot import it ({error}); give a function of a module, "
            "functools.partial of one, or its place as the text 'module:function'"
        ) from error
    except subprocess.CalledProcessError as error:
        raise ConformanceError(
            f"{make}: fails in another process; give a function that can be imported there, not "
            f"one of __main__:\n{error.stderr.decode(errors='replace')[-2000:]}"
        ) from error
    return done.stdout.decode().split("\n")
