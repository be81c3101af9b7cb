"""The truthful rule, bent in one way each: bots of a population that are not baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.community.observation import features
from p2p_market.community.rules.policy import SelfConsumption, truthful
from p2p_market.community.rules.wishes import Reader, reader
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray

ERRORS: Final = 0.05  # share of the steps of an erring member


@dataclass(frozen=True, slots=True)
class Shading:
    """Truthful quantities; prices leave the limit by a share of the way from floor to cap."""

    wishes: Reader
    share: float

    def start(self, seeds: Sequence[int]) -> None:
        """Remembers nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Bids below the cap, asks above the floor."""
        action, now = self.wishes.read(observation)
        price = now.limit_eur_per_kwh - now.side * self.share * now.spread_eur_per_kwh
        return self.wishes.priced(action, price), None


@dataclass(frozen=True, slots=True)
class Withholding:
    """Truthful prices; only a share of surplus or deficit comes to the market."""

    rule: SelfConsumption
    sold: float  # share of the surplus that is offered
    bought: float  # share of the deficit that is asked for

    def start(self, seeds: Sequence[int]) -> None:
        """Remembers nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The truthful rule's action with smaller orders; the grid has the rest."""
        action, _ = self.rule.act(observation, None)
        quantity = action[..., self.rule.table.assets]
        quantity *= np.where(quantity > 0.0, self.bought, self.sold)
        return action, None


@dataclass(frozen=True, slots=True)
class Hoarding:
    """Storage takes its owner's surplus and gives nothing back; truthful orders for the rest."""

    rule: SelfConsumption
    load: int  # columns of the observation
    pv: int

    def start(self, seeds: Sequence[int]) -> None:
        """Remembers nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The truthful rule's charging without its discharging."""
        table = self.rule.table
        action, _ = self.rule.act(observation, None)
        setpoint = np.maximum(table.physical(action)[..., : table.assets], 0.0)
        seen = observation.astype(np.float64)
        net_load = seen[..., self.load] - seen[..., self.pv] + setpoint.sum(axis=-1)
        return table.orders(setpoint, net_load), None


@dataclass(frozen=True, slots=True)
class Erring:
    """The truthful rule; now and then a member does and orders something random instead."""

    rule: SelfConsumption

    def start(self, seeds: Sequence[int]) -> tuple[tuple[int, ...], int]:
        """Seeds and the step counter."""
        return tuple(seeds), 0

    def act(
        self, observation: Float32Array, memory: tuple[tuple[int, ...], int]
    ) -> tuple[FloatArray, tuple[tuple[int, ...], int]]:
        """A function of what is seen, the seed and the step."""
        seeds, step = memory
        action, _ = self.rule.act(observation, None)
        shape = (action.shape[1], 1 + action.shape[2])
        draws = np.stack(
            [
                np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 2, step])).random(
                    shape
                )
                for seed in seeds
            ]
        )
        action = np.where(draws[..., :1] < ERRORS, 2.0 * draws[..., 1:] - 1.0, action)
        return action, (seeds, step + 1)


def shading_10(scenario: Scenario) -> Shading:
    """Gives a tenth of the spread less than the truth."""
    return Shading(reader(scenario), 0.1)


def shading_20(scenario: Scenario) -> Shading:
    """Gives a fifth of the spread less than the truth."""
    return Shading(reader(scenario), 0.2)


def shading_30(scenario: Scenario) -> Shading:
    """Gives three tenths of the spread less than the truth."""
    return Shading(reader(scenario), 0.3)


def selling_half(scenario: Scenario) -> Withholding:
    """Offers half of its surplus."""
    return Withholding(truthful(scenario), sold=0.5, bought=1.0)


def buying_half(scenario: Scenario) -> Withholding:
    """Asks for half of its deficit."""
    return Withholding(truthful(scenario), sold=1.0, bought=0.5)


def hoarding(scenario: Scenario) -> Hoarding:
    """Keeps what it stored."""
    names = [feature.name for feature in features(scenario)]
    return Hoarding(truthful(scenario), names.index("load"), names.index("pv"))


def erring(scenario: Scenario) -> Erring:
    """Errs in one step of twenty."""
    return Erring(truthful(scenario))
