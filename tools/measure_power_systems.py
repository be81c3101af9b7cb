"""Speed of a power system beside those of others: whichever are installed here, in one run.

    python tools/measure_power_systems.py

One core, processor time, the median of three runs. ASSUME clears a market every five minutes for a
day, with as many units as `wholesale-12-v0`; it is driven by events, so its rate is that of whole
clearings with bids and dispatch. Grid2Op steps its network of 14 buses.
"""

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final

SECONDS: Final = 5.0  # of processor time, in each of three runs
STEPS: Final = 288  # of five minutes in a day
BATCH: Final = 64


def single() -> Callable[[], int]:
    """The PettingZoo environment; actions are drawn before."""
    import p2p_market

    env = p2p_market.make("wholesale-12-v0")
    env.reset(seed=0)
    actions = {agent: env.action_space(agent).sample() for agent in env.agents}

    def day() -> int:
        for _ in range(STEPS):
            _, _, ended, *_ = env.step(actions)
            if all(ended.values()):
                env.reset()
        return STEPS

    return day


def _drawn(scenario: Any) -> dict[str, Any]:
    """Random actions of all roles, (system, agent, column)."""
    import numpy as np

    from p2p_market.wholesale.track import roles

    random, found = np.random.default_rng(0), {}
    for role in roles(scenario):
        shape = (BATCH, len(role.agents), len(role.columns))
        numbers = random.uniform(-1.0, 1.0, shape)
        choices = random.integers(max(1, role.columns[0].choices), size=shape)
        found[role.name] = choices.astype(np.float64) if role.choices else numbers
    return found


def compiled() -> Callable[[], int]:
    """The compiled step of many systems with its observations, without the batch around it."""
    from p2p_market.kit.defaults import stack
    from p2p_market.registry import load_scenario
    from p2p_market.wholesale.actions import Sent
    from p2p_market.wholesale.engine import fixed
    from p2p_market.wholesale.envs.board import Board, everyone
    from p2p_market.wholesale.episode.episode import draw, keys

    scenario: Any = load_scenario("wholesale-12-v0")
    week = draw(scenario, keys(scenario, "train", 0)[0][0])
    episodes = stack([week] * BATCH)
    board, heard = Board(scenario, episodes), everyone(scenario, BATCH)
    sent = Sent(*[fixed(one) for one in _drawn(scenario).values()])

    def day() -> int:
        if board.step + STEPS > scenario.steps:
            board.begin(episodes)
        for _ in range(STEPS):
            board.play(sent, heard)
        return STEPS * BATCH

    return day


def batch() -> Callable[[], int]:
    """Many systems at once, all roles, observations included."""
    import p2p_market

    systems: Any = p2p_market.make_batch("wholesale-12-v0", BATCH)
    systems.reset(seed=0)
    actions = _drawn(systems.scenario)

    def day() -> int:
        for _ in range(STEPS):
            systems.step(actions)
        return STEPS * BATCH

    return day


def assume() -> Callable[[], int]:
    """A world of ASSUME: six plants, two storages, three loads, pay as clear every five minutes."""
    import dateutil.rrule as rr
    import pandas as pd
    from assume import World
    from assume.common.forecaster import DemandForecaster, PowerplantForecaster, UnitForecaster
    from assume.common.market_objects import MarketConfig, MarketProduct

    begin, step = datetime(2019, 1, 1), timedelta(minutes=5)
    end = begin + STEPS * step
    index = pd.date_range(begin, end + 24 * step, freq="5min")

    def day() -> int:
        world = World()
        world.setup(start=begin, end=end, simulation_id="day", save_frequency_hours=None)
        market = MarketConfig(
            market_id="EOM",
            opening_hours=rr.rrule(rr.MINUTELY, interval=5, dtstart=begin, until=end),
            opening_duration=step,
            market_mechanism="pay_as_clear",
            market_products=[MarketProduct(step, 1, step)],
            additional_fields=["block_id", "link", "exclusive_id"],
        )
        world.add_market_operator(id="operator")
        world.add_market("operator", market)
        world.add_unit_operator("units")
        for place, (power, fuel) in enumerate(
            ((30, 22.5), (40, 55.75), (40, 61.25), (30, 132.5), (150, 1.0), (190, 2.0))
        ):
            world.add_unit(
                f"plant_{place}",
                "power_plant",
                "units",
                {
                    "min_power": 0.0,
                    "max_power": float(power),
                    "bidding_strategies": {"EOM": "powerplant_energy_naive"},
                    "technology": "plant",
                },
                PowerplantForecaster(index, fuel_prices={"others": fuel}),
            )
        for place in range(2):
            world.add_unit(
                f"storage_{place}",
                "storage",
                "units",
                {
                    "max_power_charge": -25.0,
                    "max_power_discharge": 25.0,
                    "capacity": 100.0,
                    "initial_soc": 0.5,
                    "efficiency_charge": 0.95,
                    "efficiency_discharge": 0.95,
                    "bidding_strategies": {"EOM": "storage_energy_heuristic_flexable"},
                    "technology": "storage",
                },
                UnitForecaster(index),
            )
        for place, power in enumerate((38, 30, 34)):
            world.add_unit(
                f"load_{place}",
                "demand",
                "units",
                {
                    "min_power": 0.0,
                    "max_power": -float(power),
                    "bidding_strategies": {"EOM": "demand_energy_naive"},
                    "technology": "demand",
                },
                DemandForecaster(index, demand=-float(power)),
            )
        world.run()
        return STEPS

    return day


def grid2op() -> Callable[[], int]:
    """A network of 14 buses with its AC power flow by lightsim2grid; nothing is done to it."""
    import grid2op as of
    from lightsim2grid import LightSimBackend

    env: Any = of.make("rte_case14_realistic", test=True, backend=LightSimBackend())
    env.reset()
    nothing = env.action_space({})

    def day() -> int:
        for _ in range(STEPS):
            *_, ended, _ = env.step(nothing)
            if ended:
                env.reset()
        return STEPS

    return day


MAKERS: Final[Sequence[Callable[[], Callable[[], int]]]] = (
    single,
    compiled,
    batch,
    assume,
    grid2op,
)


def rate(day: Callable[[], int]) -> float:
    """Steps of a system per second of processor time."""
    day()
    rates = []
    for _ in range(3):
        begun, steps = time.process_time(), 0
        while (used := time.process_time() - begun) < SECONDS:
            steps += day()
        rates.append(steps / used)
    return median(rates)


def main() -> None:
    """Measure and print what is here."""
    warnings.filterwarnings("ignore")
    for make in MAKERS:
        try:
            day = make()
        except ImportError as error:
            sys.stdout.write(f"{make.__name__}: not here ({error})\n")
            continue
        found = rate(day)
        sys.stdout.write(f"{make.__name__}: {found:,.0f} steps/s, {1e6 / found:,.1f} us\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
