"""What a network is shown and what its outputs, numbers in [-1, 1], mean; without torch.

A network sees rows. Each row belongs to one agent and is made of what that agent observes and knows
of its own devices; nothing else enters, so each agent decides alone.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import numpy as np

from baselines.community.mpc.worlds import allowed_of
from baselines.learners.decision import Decision as Shown
from baselines.learners.decision import Outputs
from baselines.learners.ppo.machines import facts, machine_columns
from p2p_market.community.actions import action_map
from p2p_market.community.observation import features
from p2p_market.community.rules.contracting import RULE, Stance, contracting
from p2p_market.community.rules.policy import ASSET_FEATURES, truthful
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray

OWN: Final = ASSET_FEATURES
"""Columns of storage with which every row begins."""

NO_CHOICE_KW: Final = 1e-6
"""Limits that are this close leave no choice."""

CLEARLY: Final = 0.1
"""An output that is so far from 0 changes a yes or no of the rule."""


class Decision(Shown, Protocol):
    """A decision that can also be imitated."""

    @property
    def held(self) -> int:
        """Outputs, the last of a row, that are explored by the episode and not by the step."""

    def outputs(self, observation: Float32Array, actions: FloatArray) -> FloatArray:
        """What has to be put out for these actions, (batch, row, width); nan where nothing does.

        Args:
            observation: (batch, agent, feature).
            actions: normalised, (batch, agent, column).
        """


class AroundRule:
    """A row and an output per device: 0 = what the self-consumption rule does, 1 and -1 = all.

    1 is the highest power that the storage can take in this step, -1 the lowest (the largest
    discharge, or what must be charged before a departure), straight lines between. The order is
    for all that the set-points leave, at the price of the grid, as in the baseline `truthful`.
    A network that was trained on such rows serves any number of agents and of devices.

    In a community with machines a row also has what is observed of its device and what is fixed of
    it (`machines`); 0 is still the rule, which runs a machine as much as its level needs, and a
    machine with a least load runs or stands still, whichever is nearer.
    """

    extra = ("lowest", "by_rule", "highest", "other_stored", "other_capacity")
    width = 1
    held = 0

    def __init__(self, scenario: Scenario) -> None:
        """For the devices of a scenario."""
        self.rule, self.scenario = truthful(scenario), scenario
        present = scenario.nodes.present
        self.assets = present.shape[1]
        self.owners, self.asset = np.nonzero(present)
        count = len(features(scenario))
        own = len(OWN) * self.asset[:, None] + np.arange(len(OWN))
        of_machine, stems = machine_columns(scenario, self.asset)
        names = _common(scenario)
        common = len(OWN) * self.assets + np.arange(len(names))
        everywhere = np.broadcast_to(common, (len(own), len(common)))
        seen = np.concatenate([own, everywhere, of_machine], axis=1)
        self.place = count * self.owners[:, None] + seen
        fixed = facts(scenario)
        known = [each[self.owners, self.asset] for each in fixed.values()]
        self.fixed = np.array(known).reshape(len(fixed), len(own)).T
        self.names = (*OWN, *names, *stems, *fixed, *self.extra)

    def rows(self, observation: Float32Array) -> Float32Array:
        """What the agent sees of the device and all else, then limits and the other storage."""
        batch = len(observation)
        seen = observation.astype(np.float64)
        shown = np.empty((batch, len(self.owners), len(self.names)), dtype=np.float32)
        seen_columns = self.place.shape[1]
        shown[..., :seen_columns] = observation.reshape(batch, -1)[:, self.place]
        shown[..., seen_columns : -len(self.extra)] = self.fixed
        shown[..., -5:-2] = self.limits(seen)[:, self.owners, self.asset]
        stored, capacity = self._storage(seen)
        for column, each in ((-2, stored), (-1, capacity)):
            others = each.sum(axis=-1, keepdims=True) - each
            shown[..., column] = others[:, self.owners, self.asset]
        return shown

    def limits(self, seen: FloatArray) -> FloatArray:
        """Lowest power, power by the rule, highest, (batch, agent, asset, 3) [kW]."""
        left = self._surplus(seen)
        limits = np.empty((*left.shape, self.assets, 3))
        for asset in range(self.assets):
            low, high = self.rule.limits(seen, asset)
            middle = self.rule.power(seen, asset, left)
            left = left - middle
            for column, each in enumerate((low, middle, high)):
                limits[..., asset, column] = each
        return limits

    def _storage(self, seen: FloatArray) -> tuple[FloatArray, FloatArray]:
        """What is stored and what can be, (batch, agent, asset) each [kWh]."""
        of = self.rule.columns
        soc = np.stack([seen[..., of[f"soc_{k}"]] for k in range(self.assets)], axis=-1)
        capacity = np.stack([seen[..., of[f"capacity_{k}"]] for k in range(self.assets)], axis=-1)
        return soc * capacity, capacity

    def _surplus(self, seen: FloatArray) -> FloatArray:
        return np.asarray(seen[..., self.rule.columns["pv"]] - seen[..., self.rule.columns["load"]])

    def actions(self, observation: Float32Array, output: Outputs) -> FloatArray:
        """Set-points between the limits, and the truthful order."""
        seen, table = observation.astype(np.float64), self.rule.table
        share = np.zeros((*seen.shape[:2], self.assets))
        share[:, self.owners, self.asset] = np.clip(output[..., 0], -1.0, 1.0)
        left = self._surplus(seen)
        physical = np.zeros((*left.shape, self.assets))
        for asset in range(self.assets):
            low, high = self.rule.limits(seen, asset)
            middle, more = self.rule.power(seen, asset, left), share[..., asset]
            way = np.where(more > 0.0, high - middle, middle - low)
            asked = middle + more * way
            physical[..., asset] = allowed_of(self.scenario, seen, self.rule.columns, asset, asked)
            left = left - physical[..., asset]
        return table.orders(physical, -left)

    def outputs(self, observation: Float32Array, actions: FloatArray) -> FloatArray:
        """Where set-points lie between the limits; nan where the limits leave no choice."""
        seen, asked = observation.astype(np.float64), self.rule.table.physical(actions)
        share, left = np.empty((*seen.shape[:2], self.assets)), self._surplus(seen)
        for asset in range(self.assets):
            low, high = self.rule.limits(seen, asset)
            middle = self.rule.power(seen, asset, left)
            power = np.clip(asked[..., asset], low, high)
            way = np.where(power > middle, high - middle, middle - low)
            free = high - low > NO_CHOICE_KW
            between = (power - middle) / np.maximum(way, NO_CHOICE_KW)
            share[..., asset] = np.where(free, between, np.nan)
            left = left - power
        return share[:, self.owners, self.asset, None]


class Full:
    """A row per agent; outputs are the environment's own action: set-points, quantity, price."""

    held = 0

    def __init__(self, scenario: Scenario) -> None:
        """For the agents of a scenario."""
        table = action_map(scenario)
        self.width, self.assets = table.width, table.assets
        self.owners = np.arange(len(scenario.agents))
        every = tuple(feature.name for feature in features(scenario))
        self.names = (*OWN, *every[len(OWN) * self.assets :], *every[: len(OWN) * self.assets])

    def rows(self, observation: Float32Array) -> Float32Array:
        """All storage as if it were one device, all else, then each device."""
        shape = (*observation.shape[:2], self.assets, len(OWN))
        end = len(OWN) * self.assets
        soc, capacity, power, hours, target = np.moveaxis(
            observation[..., :end].reshape(shape), -1, 0
        )
        whole = np.maximum(capacity.sum(axis=-1), np.float32(1e-6))
        one = [
            (soc * capacity).sum(axis=-1) / whole,
            capacity.sum(axis=-1),
            power.sum(axis=-1),
            hours.max(axis=-1),
            (target * capacity).sum(axis=-1) / whole,
        ]
        parts = [np.stack(one, axis=-1), observation[..., end:], observation[..., :end]]
        return np.concatenate(parts, axis=-1)

    def actions(self, observation: Float32Array, output: Outputs) -> FloatArray:
        """The outputs."""
        return np.clip(output.astype(np.float64), -1.0, 1.0)

    def outputs(self, observation: Float32Array, actions: FloatArray) -> FloatArray:
        """The actions."""
        return np.clip(actions, -1.0, 1.0)


class AroundContracting:
    """A row per agent: a set-point for each of its devices, and what it wants of agreements.

    Set-points and orders are those of `AroundRule`. What is said of agreements is said by the rule
    `contracting`, with a `Stance` of the network's: 0 everywhere is the rule's own, and a network
    cannot break what the rule keeps, such as the window of a contract or whom it is proposed to.
    A scenario without agreements has the set-points alone.
    """

    extra = ("lowest", "by_rule", "highest")
    wants = ("hedged", "offers", "limit", "joins", "options", "tells")

    def __init__(self, scenario: Scenario) -> None:
        """For the agents of a scenario."""
        self.around, self.whole = AroundRule(scenario), Full(scenario)
        self.speaker = contracting(scenario)
        self.owners, self.assets = self.whole.owners, self.around.assets
        wants = self.wants if scenario.spec.coordination is not None else ()
        self.held = len(wants)
        self.width = self.assets + self.held
        self.names = (*self.whole.names, *self.extra)

    def rows(self, observation: Float32Array) -> Float32Array:
        """All that the agent sees, its devices as one at first, then their limits."""
        limits = self.around.limits(observation.astype(np.float64)).sum(axis=2)
        return np.concatenate([self.whole.rows(observation), limits.astype(np.float32)], axis=-1)

    def actions(self, observation: Float32Array, output: Outputs) -> FloatArray:
        """Set-points between the limits, the truthful order, and what the stance makes of it."""
        own, asset = self.around.owners, self.around.asset
        action = self.around.actions(observation, output[:, own, asset, None])
        if not self.held:
            return action
        told = np.clip(output[..., self.assets :].astype(np.float64), -1.0, 1.0)
        return self.speaker.speaking(observation, action, self.stance(told))

    def stance(self, told: FloatArray) -> Stance:
        """What numbers in [-1, 1] mean, (..., want)."""
        hedged, offers, limit, joins, options, tells = np.moveaxis(told, -1, 0)
        return Stance(
            hedged=RULE.hedged * (1.0 + hedged),
            offers=offers,
            limit=limit,
            joins=joins >= -CLEARLY,
            options=options > CLEARLY,
            tells=RULE.tells * (1.0 + tells),
        )

    def outputs(self, observation: Float32Array, actions: FloatArray) -> FloatArray:
        """Set-points as in `AroundRule`; of agreements nothing is imitated."""
        found = np.full((*observation.shape[:2], self.width), np.nan)
        own, asset = self.around.owners, self.around.asset
        found[:, own, asset] = self.around.outputs(observation, actions)[..., 0]
        return found


def _common(scenario: Scenario) -> tuple[str, ...]:
    """Features that do not belong to an asset; what is told of machines comes behind them."""
    first = len(OWN) * scenario.nodes.present.shape[1]
    names = [feature.name for feature in features(scenario)]
    last = len(names) if scenario.nodes.machines is None else names.index("power_low_0")
    return tuple(names[first:last])


KINDS: Final[Mapping[str, Callable[[Scenario], Decision]]] = {
    "around_rule": AroundRule,
    "full": Full,
    "around_contracting": AroundContracting,
}
"""Name of what outputs mean -> the class."""


def chosen(kind: str, scenario: Scenario) -> Decision:
    """The decision of that name.

    Raises:
        PolicyError: if this track has none of it.
    """
    if kind not in KINDS:
        raise PolicyError(
            f"decision {kind!r} is for columns that are choices, which {scenario.spec.id} does "
            f"not have; known: {', '.join(KINDS)}"
        )
    return KINDS[kind](scenario)
