"""Speed of one battery beside environments of others: those that are installed here.

    python tools/measure_others.py

The others ask for older versions of Gymnasium than ours, so each may have an interpreter of its
own, with which this file runs as it stands. Steps per second of processor time on one core, resets
included, actions drawn before; the median of three runs.
"""

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Final

SECONDS: Final = 5.0  # of processor time, in each of three runs
ACTIONS: Final = 1000
BURST: Final = 50  # steps between two looks at the clock

Made = tuple[Any, Callable[[Any], Any]]
"""An environment, and an action out of its space."""


def battery() -> Made:
    """One battery in four markets; its mask is read in every step."""
    from p2p_market import battery as track

    env: Any = track.single("battery-146-v0")
    play = env.step

    def step(action: Any) -> Any:
        answer = play(action)
        env.action_masks()
        return answer

    env.step = step
    return env, lambda space: space.sample()


def sustaingym() -> Made:
    """Zones of a building; the battery environment is not part of the release."""
    from sustaingym.envs.building import BuildingEnv, ParameterGenerator

    building = ParameterGenerator("ApartmentMidRise", "Hot_Dry", "Tucson")
    return BuildingEnv(building), lambda space: space.sample()


def citylearn() -> Made:
    """One building of the challenge of 2022 with its battery; release 3 fetches the data once."""
    from citylearn.citylearn import CityLearnEnv

    env = CityLearnEnv("citylearn_challenge_2022_phase_1", central_agent=True, buildings=[0])
    return env, lambda space: [list(space[0].sample())]


MAKERS: Final[Sequence[Callable[[], Made]]] = (battery, sustaingym, citylearn)


def rate(made: Made, seconds: float = SECONDS) -> float:
    """Steps per second of processor time."""
    env, draw = made
    actions = [draw(env.action_space) for _ in range(ACTIONS)]
    rates = []
    for _ in range(3):
        env.reset()
        begun, steps = time.process_time(), 0
        while (used := time.process_time() - begun) < seconds:
            for place in range(BURST):
                *_, terminated, truncated, _ = env.step(actions[(steps + place) % ACTIONS])
                if terminated or truncated:
                    env.reset()
            steps += BURST
        rates.append(steps / used)
    return median(rates)


def main() -> None:
    """Measure and print what is here."""
    warnings.filterwarnings("ignore")
    for make in MAKERS:
        try:
            made = make()
        except ImportError as error:
            sys.stdout.write(f"{make.__name__}: not here ({error})\n")
            continue
        sys.stdout.write(f"{make.__name__}: {rate(made):,.0f} steps/s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
