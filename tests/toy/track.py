"""Track `toy`: storages and a plant meet one price; the smallest track with a bit of everything.

In every hour a storage sends its power. Every fourth hour, at a gate, it also says how much energy
it keeps in reserve until the next one. A plant is off, low or high, and cannot go from off to high
at once. Nobody pays for the damage of its emissions, and the score counts it.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market import track as contract
from p2p_market.environment import TrackEnv
from p2p_market.errors import ScenarioError
from p2p_market.records import BoolArray, FloatArray, Record
from p2p_market.track import Column, EpisodeKey, Feature, Joint, Outcome, Role
from tests.toy import optimum
from tests.toy.schema import GATE_STEPS, HIGH, START, Spec
from tests.toy.schema import read as read  # of the contract

SPLITS: Final = {"train": 0, "validation": 120, "test": 240}  # name -> first day
UNITS, EPISODES = 5, 3  # of a split, of a unit
MEAN_EUR_PER_KWH: Final = 0.25


@dataclass(frozen=True, slots=True)
class Data:
    """Prices are drawn, nothing is read."""

    name: str = "drawn"
    digest: str = hashlib.sha256(b"drawn").hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Scenario(Record):
    """What the file says."""

    spec: Spec
    data: Data = Data()

    @property
    def digest(self) -> str:
        """Of the file."""
        return hashlib.sha256(self.spec.model_dump_json().encode()).hexdigest()

    @property
    def agents(self) -> tuple[str, ...]:
        """Storages, then the plant."""
        return (*(f"storage_{number}" for number in range(self.spec.storages)), "plant_0")

    @property
    def steps(self) -> int:
        """Hours."""
        return 24 * self.spec.days


@dataclass(frozen=True, slots=True)
class Episode(Record):
    """All that is random."""

    keys: tuple[EpisodeKey, ...]
    price_eur_per_kwh: FloatArray  # (batch, step)

    @property
    def batch(self) -> int:
        """How many are played at once."""
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class State(Record):
    """What changes from step to step."""

    step: int
    level_kwh: FloatArray  # (batch, storage)
    reserve_kwh: FloatArray  # (batch, storage), below which no level falls
    choice: FloatArray  # (batch, plant)


def _produced(scenario: Scenario, episode: Episode, played: contract.Trajectory) -> FloatArray:
    return np.asarray(played.series["output_kwh"].sum(axis=(0, 2)))


def _by(name: str, **how: bool) -> contract.Baseline:
    targets = {role: f"tests.toy.players:{name}_{role}" for role in ("storage", "plant")}
    return contract.Baseline(targets, **how)


CARD: Final = contract.Card(
    name="toy",
    entries=("energy", "reserve", "fuel"),
    social=("energy", "reserve", "fuel"),
    unpaid=("damage",),
    causes=("none", "message", "ramp"),
    metrics={"produced": contract.Metric("kWh", "", _produced)},
    baselines={
        "idle": _by("idle"),
        "thrifty": _by("thrifty"),
        "random": _by("random"),
        "oracle": _by("oracle", benchmark=False, foresight=True, centralised=True),
    },
    rule="idle",
    prices=("shadow_eur",),
    extras={"optimum": "tests.toy.optimum:Optimum"},
)


def build(spec: Spec, source: str = "") -> Scenario:
    """A scenario."""
    return Scenario(spec)


@lru_cache(maxsize=8)
def roles(scenario: Scenario) -> tuple[Role, ...]:
    """Storages and a plant."""
    most, rest = scenario.spec.capacity_kwh, np.tile([0.0, -1.0], (scenario.spec.storages, 1))
    price, to_gate = Feature("price", "EUR/kWh", 0.0, 1.0), Feature("to_gate", "h", 0.0, 3.0)
    level, reserve = (Feature(name, "kWh", 0.0, most) for name in ("level", "reserve"))
    storage = (price, level, reserve, to_gate), (Column("power", "kW"), Column("reserve", "kWh"))
    plant = (price, Feature("choice", "1", 0.0, HIGH)), (Column("choice", "1", HIGH + 1),)
    return (
        Role("storage", scenario.agents[:-1], *storage, rest, CARD.rule),
        Role("plant", scenario.agents[-1:], *plant, np.zeros((1, 1)), CARD.rule),
    )


def keys(scenario: Scenario, split: str, seed: int) -> tuple[tuple[EpisodeKey, ...], ...]:
    """Units of three episodes in a row."""
    if split not in SPLITS:
        raise ScenarioError(f"no split {split!r}; known are: {', '.join(SPLITS)}")
    days = SPLITS[split] + scenario.spec.days * np.arange(UNITS * EPISODES)
    units = days.reshape(UNITS, EPISODES).tolist()
    return tuple(tuple(EpisodeKey(split, day, seed) for day in unit) for unit in units)


def draw(scenario: Scenario, key: EpisodeKey) -> Episode:
    """Prices in the shape of a day."""
    generator = np.random.default_rng(np.random.SeedSequence([key.seed, key.start_day]))
    shape = np.sin(2.0 * np.pi * (np.arange(scenario.steps) - 9) / 24.0)
    price = MEAN_EUR_PER_KWH + 0.1 * shape + 0.03 * generator.standard_normal(scenario.steps)
    return Episode((key,), np.clip(price, 0.0, 1.0)[None])


def stack(singles: Sequence[Episode]) -> Episode:
    """One batch out of several."""
    prices = np.concatenate([one.price_eur_per_kwh for one in singles])
    return Episode(tuple(key for one in singles for key in one.keys), prices)


def take(episode: Episode, number: int) -> Episode:
    """One of a batch."""
    return Episode((episode.keys[number],), episode.price_eur_per_kwh[[number]])


def start(scenario: Scenario, episode: Episode) -> State:
    """Storages are half full, the plant is off."""
    level = np.full((episode.batch, scenario.spec.storages), START * scenario.spec.capacity_kwh)
    return State(0, level, np.zeros_like(level), np.zeros((episode.batch, 1)))


def observe(scenario: Scenario, episode: Episode, state: State) -> Joint:
    """What agents see; at the end the last price once more."""
    price = episode.price_eur_per_kwh[:, [min(state.step, scenario.steps - 1)]]
    to_gate = np.full_like(state.level_kwh, -state.step % GATE_STEPS)
    everywhere = price + np.zeros_like(to_gate)
    columns = {
        "storage": (everywhere, state.level_kwh, state.reserve_kwh, to_gate),
        "plant": (price, state.choice),
    }
    return {role: np.stack(own, axis=-1).astype(np.float32) for role, own in columns.items()}


def masks(scenario: Scenario, role: str, observation: NDArray[Any]) -> BoolArray | None:
    """A plant that is off cannot be high in the next step."""
    if role == "storage":
        return None
    return np.asarray(np.arange(HIGH + 1) <= observation[..., [1]] + 1)


def reads(scenario: Scenario, episode: Episode, state: State) -> Mapping[str, BoolArray]:
    """The reserve counts at gates only."""
    read = np.ones((*state.level_kwh.shape, 2), dtype=np.bool_)
    read[..., 1] = state.step % GATE_STEPS == 0
    return {"storage": read}


def step(
    scenario: Scenario, episode: Episode, state: State, actions: Joint, strict: bool
) -> tuple[State, Outcome]:
    """No number counts as rest, and a choice that is masked as the one below it."""
    spec, price = scenario.spec, episode.price_eur_per_kwh[:, [state.step]]
    (storage, heard), (plant, clear) = (_sound(actions[r.name], r) for r in roles(scenario))
    reserve_kwh = state.reserve_kwh
    if state.step % GATE_STEPS == 0:
        reserve_kwh = np.minimum(spec.capacity_kwh * (1.0 + storage[..., 1]) / 2.0, state.level_kwh)
    wanted_kwh = state.level_kwh + spec.dt_h * spec.power_kw * storage[..., 0]
    level_kwh = np.clip(wanted_kwh, reserve_kwh, spec.capacity_kwh)
    choice = np.minimum(np.rint(plant[..., 0]), state.choice + 1.0)
    output_kwh = spec.dt_h * spec.level_kw * choice
    net_kwh = np.concatenate([level_kwh - state.level_kwh, -output_kwh], axis=1)
    entries = np.zeros((*net_kwh.shape, len(CARD.entries)))
    entries[..., 0] = price * net_kwh
    entries[:, :-1, 1] = -spec.dt_h * spec.reserve_eur_per_kwh * reserve_kwh
    entries[:, -1:, 2] = spec.fuel_eur_per_kwh * output_kwh
    ramp = np.where(np.rint(plant[..., 0]) > choice, 2, 0)
    return State(state.step + 1, level_kwh, reserve_kwh, choice), Outcome(
        entries_eur=entries,
        unpaid_eur=spec.damage_eur_per_kwh * output_kwh,
        reward=-entries.sum(axis=-1),
        cause=np.concatenate([np.where(heard, 0, 1), np.where(clear, ramp, 1)], axis=1),
        series={"level_kwh": level_kwh, "output_kwh": output_kwh},
        chained=(level_kwh, reserve_kwh, choice, entries),
    )


def _sound(action: NDArray[Any], role: Role) -> tuple[FloatArray, BoolArray]:
    """Actions in their ranges, rest where one is no number; and where it is one."""
    ends = [(0, one.choices - 1) if one.choices else (-1, 1) for one in role.columns]
    finite = np.asarray(np.isfinite(action).all(axis=-1))
    return np.clip(np.where(finite[..., None], action, role.rest), *np.array(ends).T), finite


def digest(scenario: Scenario, episode: Episode) -> str:
    """Of scenario and prices."""
    known = scenario.digest.encode() + episode.price_eur_per_kwh.tobytes()
    return hashlib.sha256(known).hexdigest()


def bound_eur(scenario: Scenario, episode: Episode, prices: contract.Series) -> float:
    """By weak duality."""
    (price,) = episode.price_eur_per_kwh
    return optimum.program(scenario.spec, price).bound_eur(prices["shadow_eur"])


def setting(scenario: Scenario, episode: Episode) -> tuple[Scenario, Episode]:
    """As it is."""
    return scenario, episode


def replayed(scenario: Scenario, episode: Episode, plan: contract.Plan) -> Joint:
    """Power, reserve and choice of a schedule."""
    spec, level = scenario.spec, plan.schedule["level_kwh"]
    before = np.concatenate([start(scenario, episode).level_kwh, level[:-1]])
    power = (level - before) / (spec.power_kw * spec.dt_h)
    reserve = 2.0 * plan.schedule["reserve_kwh"] / spec.capacity_kwh - 1.0
    choice = plan.schedule["output_kwh"] / (spec.level_kw * spec.dt_h)
    storage = np.stack([power, reserve], axis=-1)
    return {"storage": storage[:, None], "plant": np.rint(choice)[:, None, :, None]}


def environment(
    scenario: Scenario, render_mode: str | None, info: str
) -> ParallelEnv[Any, Any, Any]:
    """The PettingZoo environment."""
    return TrackEnv(scenario, render_mode)
