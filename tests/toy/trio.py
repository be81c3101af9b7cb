"""The toy with a third role of another width and kind: keepers, with two choices each.

A keeper pays for what it lights and what it heats; nothing else depends on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from p2p_market import track as contract
from p2p_market.environment import environment as environment
from p2p_market.kit import schema
from p2p_market.kit.actions import screened
from p2p_market.kit.defaults import digest as digest
from p2p_market.kit.defaults import setting as setting
from p2p_market.kit.defaults import stack as stack
from p2p_market.kit.defaults import take as take
from p2p_market.kit.episodes import DRAWN, Source
from p2p_market.kit.policies import resting, uniform
from p2p_market.records import BoolArray, Record
from p2p_market.track import Column, EpisodeKey, Feature, Joint, Outcome, Role
from tests.toy import players
from tests.toy import track as toy

PRICE_EUR: Final = (0.1, 0.05)  # of one more of each choice
COLUMNS: Final = (Column("light", "1", 3), Column("heat", "1", 4))
FEATURES: Final = (Feature("price", "EUR/kWh", 0.0, 1.0),)
KEEPERS: Final = ("keeper_0", "keeper_1")


class Spec(toy.Spec):
    """What a scenario file says."""

    track: Literal["trio"]  # type: ignore[assignment]


read = partial(schema.read, Spec)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario(Record):
    """What is fixed before an episode."""

    spec: Spec
    digest: str
    agents: tuple[str, ...]
    steps: int
    inner: toy.Scenario
    data: Source = DRAWN


CARD: Final = replace(
    toy.CARD,
    name="trio",
    baselines={
        name: contract.Baseline(
            {**one.targets, "keeper": f"tests.toy.trio:{'random' if name == 'random' else 'idle'}"}
        )
        for name, one in toy.CARD.baselines.items()
    },
    extras={
        "optimum": "tests.toy.trio:Optimum",
        "batch": "p2p_market.kit.joint:JointBatch",
        "population": "tests.toy.trio:CROWD",
    },
)
idle, random = partial(resting, "keeper"), partial(uniform, "keeper")


def __getattr__(name: str) -> Any:
    """The population, which the contract does not import."""
    if name != "CROWD":
        raise AttributeError(name)
    from p2p_market.evaluation.players.population import Bot, Population

    return Population("trio-1", {"waiter": Bot("idle", "idle"), "gambler": Bot("noisy", "random")})


class Optimum:
    """That of the toy: keepers rest."""

    identity = "trio 1"

    def __init__(self, scenario: Scenario) -> None:
        """Around the planner of the toy."""
        self.inner = players.Optimum(scenario.inner)

    def plan(self, episode: toy.Episode) -> contract.Plan:
        """Cheapest schedule of a batch of one."""
        return self.inner.plan(episode)


def build(spec: Spec, source: str = "") -> Scenario:
    """A scenario."""
    inner = toy.build(spec, source)
    return Scenario(spec, inner.digest, (*inner.agents, *KEEPERS), inner.steps, inner)


@lru_cache(maxsize=8)
def roles(scenario: Scenario) -> tuple[Role, ...]:
    """Storages, a plant, keepers."""
    keeper = Role("keeper", KEEPERS, FEATURES, COLUMNS, np.zeros((2, 2)), CARD.rule)
    return (*toy.roles(scenario.inner), keeper)


def keys(scenario: Scenario, split: str, seed: int) -> tuple[tuple[EpisodeKey, ...], ...]:
    """Those of the toy."""
    return toy.keys(scenario.inner, split, seed)


def draw(scenario: Scenario, key: EpisodeKey) -> toy.Episode:
    """That of the toy."""
    return toy.draw(scenario.inner, key)


def start(scenario: Scenario, episode: toy.Episode) -> toy.State:
    """That of the toy."""
    return toy.start(scenario.inner, episode)


def observe(scenario: Scenario, episode: toy.Episode, state: toy.State) -> Joint:
    """Keepers see the price."""
    seen = toy.observe(scenario.inner, episode, state)
    price = np.repeat(seen["plant"][..., :1], len(KEEPERS), axis=1)
    return {**seen, "keeper": price}


def masks(scenario: Scenario, role: str, observation: NDArray[Any]) -> BoolArray | None:
    """Keepers may choose all."""
    return None if role == "keeper" else toy.masks(scenario.inner, role, observation)


def reads(scenario: Scenario, episode: toy.Episode, state: toy.State) -> Mapping[str, BoolArray]:
    """Those of the toy."""
    return toy.reads(scenario.inner, episode, state)


def step(
    scenario: Scenario, episode: toy.Episode, state: toy.State, actions: Joint, strict: bool
) -> tuple[toy.State, Outcome]:
    """That of the toy, and keepers pay."""
    after, inner = toy.step(scenario.inner, episode, state, actions, strict)
    keeper, heard = screened(roles(scenario)[-1], actions["keeper"])
    paid = np.zeros((*keeper.shape[:2], len(CARD.entries)))
    paid[..., 0] = keeper @ np.array(PRICE_EUR)
    entries = np.concatenate([inner.entries_eur, paid], axis=1)
    return after, replace(
        inner,
        entries_eur=entries,
        reward=-entries.sum(axis=-1),
        cause=np.concatenate([inner.cause, np.where(heard, 0, 1)], axis=1),
        chained=(*inner.chained, paid),
    )


def bound_eur(scenario: Scenario, episode: toy.Episode, prices: contract.Series) -> float:
    """That of the toy: keepers earn nothing."""
    return toy.bound_eur(scenario.inner, episode, prices)


def replayed(scenario: Scenario, episode: toy.Episode, plan: contract.Plan) -> Joint:
    """Keepers rest."""
    found = toy.replayed(scenario.inner, episode, plan)
    return {**found, "keeper": np.zeros((scenario.steps, 1, len(KEEPERS), len(COLUMNS)))}
