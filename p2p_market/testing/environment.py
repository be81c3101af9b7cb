"""Conformance of an environment: any factory of a PettingZoo `ParallelEnv` with a fixed cast.

PettingZoo's own tests look at one step after a reset and not at whether observations lie in their
space. Here whole episodes are compared, everything visible included.
"""

import contextlib
import io
import pickle
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from p2p_market.errors import ConformanceError
from p2p_market.testing.playing import (
    SEED,
    Environment,
    Factory,
    arrays,
    digest,
    finite,
    joint_state,
    name_of,
    new,
    play,
    sampler,
    steps_of,
    trace,
    trace_elsewhere,
)

WHOLE: Final = 10_000
"""Steps after which an environment that never ends is left alone."""
SEEDED: Final = (
    "draw all that is random from the seed of reset, and keep nothing outside the object"
)


def check_environment(make: Factory, steps: int = WHOLE) -> None:
    """All checks of one environment, on whole episodes under seeded random actions.

    Args:
        make: makes a new environment at each call; another process must be able to import it.
        steps: cut episodes after this many steps.

    Raises:
        ConformanceError: at the first rule that is broken.
    """
    for check in CHECKS:
        check(make, steps)


def check_pettingzoo_api(make: Factory, steps: int = WHOLE) -> None:
    """PettingZoo's `parallel_api_test`, warnings as errors."""
    from pettingzoo.test.parallel_test import parallel_api_test

    env = new(make)
    for number, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(number)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("error")
            parallel_api_test(env, num_cycles=min(steps, 1000))
    except Exception as error:
        raise ConformanceError(
            f"{name_of(env)}: PettingZoo's parallel_api_test says {error!r}; see its documentation"
        ) from error


def check_spaces(make: Factory, steps: int = WHOLE) -> None:
    """Observations and joint states lie in their spaces; they and rewards are finite."""
    env = new(make)
    for step, (observations, rewards, *_) in enumerate(play(env, steps)):
        seen = {a: (env.observation_space(a), values) for a, values in observations.items()}
        state = joint_state(env)
        if state is not None and hasattr(env, "state_space"):
            seen["state()"] = (env.state_space, state)
        for who, (space, values) in seen.items():
            if not (space.contains(values) and finite(values)):
                raise ConformanceError(
                    f"{name_of(env)}: at step {step} the observation of {who} is NaN, infinite or "
                    f"outside its space {space}: {values}; widen the space or clip at the source"
                )
        for agent, reward in rewards.items():
            if not finite(reward):
                raise ConformanceError(
                    f"{name_of(env)}: reward {reward} of {agent} at step {step}; make it finite"
                )


def check_observations_share_no_memory(make: Factory, steps: int = WHOLE) -> None:
    """An observation that was kept stays as it was, whatever happens next."""
    env = new(make)
    kept: list[tuple[Any, str]] = []
    for step, (observations, *_) in enumerate(play(env, steps)):
        for agent in observations.keys() & (kept[-1][0].keys() if kept else set()):
            pairs = zip(arrays(kept[-1][0][agent]), arrays(observations[agent]), strict=False)
            if any(np.may_share_memory(old, new) for old, new in pairs):
                raise ConformanceError(
                    f"{name_of(env)}: observations of {agent} at steps {step - 1} and {step} share "
                    "memory; return a fresh array each time"
                )
        kept.append((observations, digest(observations)))
    env.reset(seed=SEED + 1)
    for step, (observations, before) in enumerate(kept):
        if digest(observations) != before:
            raise ConformanceError(
                f"{name_of(env)}: the observations of step {step} changed after they were "
                "returned; return a fresh array each time"
            )


def check_actions_untouched(make: Factory, steps: int = WHOLE) -> None:
    """`step` leaves the actions as they were."""
    env = new(make)
    env.reset(seed=SEED)
    act = sampler(env, SEED)
    for step in range(steps):
        if not env.agents:
            break
        actions = act()
        before = digest(actions)
        env.step(actions)
        if digest(actions) != before:
            raise ConformanceError(
                f"{name_of(env)}: step {step} changed the actions that it was given; copy them"
            )


def check_same_seed(make: Factory, steps: int = WHOLE) -> None:
    """One seed gives one whole episode, in two environments."""
    env = new(make)
    first, again = trace(env, steps), trace(new(make), steps)
    _insist_equal(env, first, again, "two episodes of one seed differ", SEEDED)


def check_processes(make: Factory, steps: int = WHOLE) -> None:
    """One seed gives one whole episode, in two processes."""
    env = new(make)
    mend = f"{SEEDED}, and do not use hash() or the order of a set"
    there = trace_elsewhere(make, steps)
    _insist_equal(env, trace(env, steps), there, "two processes play one seed differently", mend)


def check_other_seeds(make: Factory, steps: int = WHOLE) -> None:
    """Another seed gives another episode, under the same actions."""
    env = new(make)
    if trace(env, steps) == trace(new(make), steps, seed=SEED + 1, actions=SEED):
        raise ConformanceError(
            f"{name_of(env)}: seeds {SEED} and {SEED + 1} give the same episode; use the seed of "
            "reset"
        )


def check_reset_in_mid_episode(make: Factory, steps: int = WHOLE) -> None:
    """A reset before the end starts afresh: nothing of the episode before is left."""
    env, used = new(make), new(make)
    trace(used, min(steps, 10), seed=SEED + 1)
    what = "an episode after a reset in mid-episode differs from one of a new environment"
    _insist_equal(env, trace(env, steps), trace(used, steps), what, "set everything in reset")


def check_unknown_options(make: Factory, steps: int = WHOLE) -> None:
    """Options of `reset` that the environment does not know are ignored."""
    env, other = new(make), new(make)
    try:
        told = trace(other, steps, options={"an option that nobody knows": 1})
    except Exception as error:
        raise ConformanceError(
            f"{name_of(env)}: reset raises {error!r} at an unknown option; ignore unknown options"
        ) from error
    _insist_equal(env, trace(env, steps), told, "an unknown option matters", "ignore it")


def check_pickle(make: Factory, steps: int = WHOLE) -> None:
    """A pickled copy made in mid-episode continues as the original does."""
    env = new(make)
    trace(env, min(steps, 10))
    try:
        copy = pickle.loads(pickle.dumps(env))
    except Exception as error:
        raise ConformanceError(
            f"{name_of(env)}: cannot be pickled in mid-episode: {error!r}; keep plain data"
        ) from error
    going_on, copied = ([digest(s) for s in steps_of(one, steps, SEED)] for one in (env, copy))
    what = "a pickled copy does not continue as the original"
    _insist_equal(env, going_on, copied, what, "let its state travel with the object")


def check_step_before_reset(make: Factory, steps: int = WHOLE) -> None:
    """`step` before the first `reset` raises, and says what to do."""
    env = new(make)
    try:
        env.step({agent: env.action_space(agent).sample() for agent in env.possible_agents})
    except Exception as error:
        if "reset" in str(error).lower():
            return
        told = f"raises {error!r}"
    else:
        told = "passes"
    raise ConformanceError(
        f"{name_of(env)}: step before reset {told}; raise an error that says to call reset()"
    )


CHECKS: Final = (
    check_step_before_reset,
    check_pettingzoo_api,
    check_spaces,
    check_observations_share_no_memory,
    check_actions_untouched,
    check_same_seed,
    check_other_seeds,
    check_reset_in_mid_episode,
    check_unknown_options,
    check_pickle,
    check_processes,
)
"""What `check_environment` runs, in order."""


def check_features_vary(makes: Iterable[Factory], steps: int = 100, missing: float = 0.0) -> None:
    """No number of the observations is one and the same over all environments and agents.

    Numbers have the names of `feature_table` where an environment has one, for all agents or from
    agent to table, or else their places.

    Args:
        makes: one factory per scenario.
        steps: play each so long.
        missing: share of steps in which the first agent sends no action.
    """
    seen: dict[str, set[float]] = {}
    for make in makes:
        env = new(make)
        for observations, *_ in play(env, steps, missing=missing):
            for agent, values in observations.items():
                flat = [float(v) for array in arrays(values) for v in array.ravel()]
                table = getattr(env, "feature_table", None)
                table = table[agent] if isinstance(table, Mapping) else table
                names = (
                    [f.name for f in table] if table else [f"number {n}" for n in range(len(flat))]
                )
                for name, value in zip(names, flat, strict=True):
                    seen.setdefault(name, set()).add(value)
    constant = [name for name, values in seen.items() if len(values) == 1]
    if constant:
        raise ConformanceError(f"always the same: {', '.join(constant)}; leave these features out")


def _insist_equal(
    env: Environment, first: list[str], second: list[str], what: str, mend: str
) -> None:
    if first == second:
        return
    same = [a == b for a, b in zip(first, second, strict=False)]
    step = same.index(False) if False in same else len(same)
    raise ConformanceError(f"{name_of(env)}: {what}, first at step {step} (0 = reset); {mend}")
