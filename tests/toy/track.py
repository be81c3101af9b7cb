"""Track `toy`: storages and a plant meet one price; the smallest track with a bit of everything.

In every hour a storage sends its power. Every fourth hour, at a gate, it also says how much energy
it keeps in reserve until the next one. A plant is off, low or high, and cannot go from off to high
at once. Nobody pays for the damage of its emissions, and the score counts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from p2p_market import track as contract
from p2p_market.environment import environment as environment
from p2p_market.kit import schema
from p2p_market.kit.actions import screened
from p2p_market.kit.defaults import digest as digest
from p2p_market.kit.defaults import setting as setting
from p2p_market.kit.defaults import stack as stack
from p2p_market.kit.defaults import take as take
from p2p_market.kit.episodes import DRAWN, Drawn, Source, keys_of
from p2p_market.kit.linear import LinearProgram
from p2p_market.kit.metrics import total
from p2p_market.records import BoolArray, FloatArray, Record
from p2p_market.track import Column, EpisodeKey, Feature, Joint, Outcome, Role

ROLES: Final = ("storage", "plant")
GATE_STEPS: Final = 4  # between two gates
HIGH: Final = 2  # choices of the plant: 0 is off, 1 is low
START: Final = 0.5  # level of a storage
MEAN_EUR_PER_KWH: Final = 0.25
DAYS: Final = {
    "train": range(0, 10, 2),
    "validation": range(120, 130, 2),
    "test": range(240, 250, 2),
}
DRAWS: Final = 3  # episodes of each start day


class Spec(schema.Section):
    """What a scenario file says."""

    id: str
    title: str
    track: Literal["toy"]
    days: Literal[2] = 2
    dt_h: Literal[1] = 1
    optimum: Literal["linear"] = "linear"
    storages: int = Field(ge=1, le=9)
    capacity_kwh: float = Field(gt=0.0)
    power_kw: float = Field(gt=0.0)
    reserve_eur_per_kwh: float = Field(ge=0.0)  # income of each hour
    level_kw: float = Field(gt=0.0)  # between two choices of the plant
    damage_eur_per_kwh: float


read = partial(schema.read, Spec)


@dataclass(frozen=True, slots=True, eq=False)
class Scenario(Record):
    """What is fixed before an episode."""

    spec: Spec
    digest: str
    agents: tuple[str, ...]
    steps: int
    data: Source = DRAWN


@dataclass(frozen=True, slots=True)
class Episode(Drawn):
    """All that is random."""

    price_eur_per_kwh: FloatArray  # (step, batch)


@dataclass(frozen=True, slots=True)
class State(Record):
    """What changes from step to step."""

    step: int
    level_kwh: FloatArray  # (batch, storage)
    reserve_kwh: FloatArray  # (batch, storage), below which no level falls
    choice: FloatArray  # (batch, plant)


CARD: Final = contract.Card(
    name="toy",
    entries=("energy", "reserve"),
    social=("energy", "reserve"),
    unpaid=("damage",),
    causes=("none", "message", "ramp"),
    metrics={"produced": contract.Metric("kWh", "", partial(total, "output_kwh"))},
    baselines={
        name: contract.Baseline({role: f"tests.toy.players:{name}_{role}" for role in ROLES})
        for name in ("idle", "thrifty", "random")
    },
    rule="idle",
    prices=("shadow_eur",),
    extras={"optimum": "tests.toy.players:Optimum"},
)


def build(spec: Spec, source: str = "") -> Scenario:
    """A scenario."""
    agents = (*(f"storage_{number}" for number in range(spec.storages)), "plant_0")
    return Scenario(spec, schema.digest(spec), agents, 24 * spec.days)


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
    """Start days, each of them drawn several times."""
    return keys_of(DAYS, split, seed, DRAWS)


def draw(scenario: Scenario, key: EpisodeKey) -> Episode:
    """Prices in the shape of a day."""
    generator = np.random.default_rng(np.random.SeedSequence([key.seed, key.start_day]))
    shape = np.sin(2.0 * np.pi * (np.arange(scenario.steps) - 9) / 24.0)
    price = MEAN_EUR_PER_KWH + 0.1 * shape + 0.03 * generator.standard_normal(scenario.steps)
    return Episode((key,), np.clip(price, 0.0, 1.0)[:, None])


def start(scenario: Scenario, episode: Episode) -> State:
    """Storages are half full, the plant is off."""
    level = np.full((episode.batch, scenario.spec.storages), START * scenario.spec.capacity_kwh)
    return State(0, level, np.zeros_like(level), np.zeros((episode.batch, 1)))


def observe(scenario: Scenario, episode: Episode, state: State) -> Joint:
    """What agents see; at the end the last price once more."""
    price = episode.price_eur_per_kwh[min(state.step, scenario.steps - 1), :, None]
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
    """What is no action counts as rest, and a choice that is masked as the one below it."""
    spec, price = scenario.spec, episode.price_eur_per_kwh[state.step, :, None]
    (storage, heard), (plant, clear) = (screened(r, actions[r.name]) for r in roles(scenario))
    reserve_kwh = state.reserve_kwh
    if state.step % GATE_STEPS == 0:
        reserve_kwh = np.minimum(spec.capacity_kwh * (1.0 + storage[..., 1]) / 2.0, state.level_kwh)
    wanted_kwh = state.level_kwh + spec.dt_h * spec.power_kw * storage[..., 0]
    level_kwh = np.clip(wanted_kwh, reserve_kwh, spec.capacity_kwh)
    choice = np.minimum(plant[..., 0], state.choice + 1.0)
    output_kwh = spec.dt_h * spec.level_kw * choice
    net_kwh = np.concatenate([level_kwh - state.level_kwh, -output_kwh], axis=1)
    entries = np.zeros((*net_kwh.shape, len(CARD.entries)))
    entries[..., 0] = price * net_kwh
    entries[:, :-1, 1] = -spec.dt_h * spec.reserve_eur_per_kwh * reserve_kwh
    ramp = np.where(plant[..., 0] > choice, 2, 0)
    return State(state.step + 1, level_kwh, reserve_kwh, choice), Outcome(
        entries_eur=entries,
        unpaid_eur=spec.damage_eur_per_kwh * output_kwh,
        reward=-entries.sum(axis=-1),
        cause=np.concatenate([np.where(heard, 0, 1), np.where(clear, ramp, 1)], axis=1),
        series={"level_kwh": level_kwh, "output_kwh": output_kwh},
        chained=(level_kwh, reserve_kwh, choice, entries),
    )


def program(scenario: Scenario, episode: Episode) -> LinearProgram:
    """Of each storage the levels and from each gate on the reserve, then the outputs [kWh].

    All levels of the plant cost alike, and it ramps by one level in a step: all corners of the
    program are choices of the plant.
    """
    spec, price = scenario.spec, episode.price_eur_per_kwh[:, 0]
    now, before = np.eye(len(price)), np.eye(len(price), k=-1)
    until = np.kron(np.eye(len(price) // GATE_STEPS), np.ones((GATE_STEPS, 1)))  # gate to its steps
    none, first = np.zeros_like(until), now[0] * START * spec.capacity_kwh
    rows = np.block([[now - before, none], [before - now, none], [-before, until], [-now, until]])
    limit = np.concatenate([spec.power_kw + first, spec.power_kw - first, first, 0.0 * first])
    income = np.full(until.shape[1], -spec.reserve_eur_per_kwh * GATE_STEPS)
    outlay = np.concatenate([price - np.append(price[1:], 0.0), income])
    storages = np.kron(np.eye(spec.storages), rows)
    apart = np.zeros((len(storages), len(price))), np.zeros((len(price), storages.shape[1]))
    top = np.repeat([spec.capacity_kwh, HIGH * spec.level_kw], [storages.shape[1], len(price)])
    return LinearProgram(
        cost=np.append(np.tile(outlay, spec.storages), spec.damage_eur_per_kwh - price),
        rows=np.block([[storages, apart[0]], [apart[1], now - before]]),
        limit=np.append(np.tile(limit, spec.storages), np.full(len(price), spec.level_kw)),
        top=top,
        fixed_eur=-spec.storages * float(price[0]) * START * spec.capacity_kwh,
    )


def bound_eur(scenario: Scenario, episode: Episode, prices: contract.Series) -> float:
    """By weak duality."""
    return program(scenario, episode).bound_eur(prices["shadow_eur"])


def replayed(scenario: Scenario, episode: Episode, plan: contract.Plan) -> Joint:
    """Power, reserve and choice of a schedule."""
    spec, level = scenario.spec, plan.schedule["level_kwh"]
    before = np.concatenate([start(scenario, episode).level_kwh, level[:-1]])
    power = (level - before) / (spec.power_kw * spec.dt_h)
    reserve = 2.0 * plan.schedule["reserve_kwh"] / spec.capacity_kwh - 1.0
    choice = plan.schedule["output_kwh"] / (spec.level_kw * spec.dt_h)
    storage = np.stack([power, reserve], axis=-1)
    return {"storage": storage[:, None], "plant": np.rint(choice)[:, None, :, None]}
