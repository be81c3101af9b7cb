"""The truthful rule with agreements: hedges at the middle price, coalitions of neighbours.

Set-points and orders are those of `truthful`. Where a scenario has agreements, a member

- tells everybody its own forecast of load less PV, as it is;
- proposes in turn, to another member in each step, a forward contract over half of what it expects
  to lack or to have left in three hours and has not contracted yet, for an hour, at the middle
  between retail price and feed-in tariff;
- accepts a contract that covers what it expects itself at that price or a better one, and an option
  at such a price whose premium is at least what an even chance of paying damages costs;
- asks, just before midnight, the first of its neighbours in the file to form a coalition for the
  day that begins, and accepts to be asked.

All of that are numbers of a `Stance`, so that a learner can move each of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.community.actions import ActionMap
from p2p_market.community.coordination.records import SLOTS
from p2p_market.community.coordination.words import words
from p2p_market.community.further import place
from p2p_market.community.observation import features
from p2p_market.community.rules.policy import SelfConsumption, truthful
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.records import BoolArray, Float32Array, FloatArray

AHEAD_H = 3
"""Horizon of what is hedged; one of `HORIZONS_H`."""
SHARE = 0.5
"""Of the expected net load."""
ALL = 3.0
"""Share column: forecasts are for everybody."""
ANSWERED = 1
"""Steps in which what was asked is answered; at midnight it is too late."""
ROUNDING = 1.0 + 1e-4
"""On top of a premium, which is read in single precision."""


@dataclass(frozen=True, slots=True)
class Stance:
    """What a member wants of agreements; numbers or arrays (batch, agent). The rule's by default.

    A price of -1 is the feed-in tariff, 0 the middle, 1 the retail price.
    """

    hedged: FloatArray | float = SHARE  # of what it expects to lack or to have left
    offers: FloatArray | float = 0.0  # price at which it proposes
    limit: FloatArray | float = 0.0  # price up to which it buys, or from which on it sells
    joins: BoolArray | bool = True  # coalitions
    options: BoolArray | bool = False  # proposes an option, not a forward, over what it lacks
    tells: FloatArray | float = 1.0  # times its own forecast


RULE = Stance()


@dataclass(frozen=True, slots=True)
class Contracting:
    """Truthful orders, hedges and coalitions."""

    rule: SelfConsumption
    table: ActionMap
    seen: Mapping[str, int]  # columns of the observation
    said: Mapping[str, int]  # columns of the action
    groups: tuple[str, ...]  # what a scenario lets members agree on
    steps: int
    steps_per_day: int
    dt_h: float
    group_size: int
    tick_eur_per_kwh: float
    damages_eur_per_kwh: float

    def start(self, seeds: Sequence[int]) -> None:
        """Rules remember nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The action of `truthful`, with what is proposed, answered and told."""
        action, _ = self.rule.act(observation, None)
        return self.speaking(observation, action, RULE), None

    def speaking(self, observation: Float32Array, action: FloatArray, stance: Stance) -> FloatArray:
        """A normalised action, (batch, agent, column), with what is proposed, answered and told."""
        if not self.groups:
            return action
        seen = {name: observation[..., c].astype(np.float64) for name, c in self.seen.items()}
        physical = self.table.physical(action)
        lacking = {h: seen[f"load_in_{h}h"] - seen[f"pv_in_{h}h"] for h in HORIZONS_H}
        open_kw = stance.hedged * lacking[AHEAD_H] - seen[f"position_in_{AHEAD_H}h"]
        if "forecast" in self.groups:
            for h in HORIZONS_H:
                self._say(physical, f"forecast_{h}h", stance.tells * lacking[h])
            self._say(physical, "share_forecast", ALL)
        self._propose(physical, seen, open_kw, stance)
        limit = self._price(seen, stance.limit)
        for slot in range(SLOTS):
            if "answer_0" in self.said:
                yes = self._accepts(seen, slot, open_kw, limit, stance)
                self._say(physical, f"answer_{slot}", np.where(yes, 1.0, -1.0))
        if "backup" in self.groups:
            self._say(physical, "call", 1.0)
        return self.table.normalised(physical)

    def _say(self, physical: FloatArray, name: str, value: FloatArray | float) -> None:
        physical[..., self.said[name]] = value

    def _price(self, seen: Mapping[str, FloatArray], place: FloatArray | float) -> FloatArray:
        """A price between feed-in tariff and retail price, on its tick."""
        middle, half = ((seen["retail"] + sign * seen["feed_in"]) / 2.0 for sign in (1.0, -1.0))
        price = middle + place * half
        return np.asarray(np.floor(price / self.tick_eur_per_kwh + 0.5) * self.tick_eur_per_kwh)

    def _propose(
        self,
        physical: FloatArray,
        seen: Mapping[str, FloatArray],
        open_kw: FloatArray,
        stance: Stance,
    ) -> None:
        """Coalitions just before midnight, contracts in all other steps."""
        agents = open_kw.shape[-1]
        member = np.arange(agents)
        step = np.rint((1.0 - seen["time_left"][0, 0]) * self.steps)
        turns = (self.group_size + SLOTS - 1) // SLOTS
        turn = int(step) % self.steps_per_day - (self.steps_per_day - ANSWERED - turns)
        first = member - member % self.group_size
        asks = (member != first) & ((member - first - 1) // SLOTS == turn)
        if "coalition" in self.groups and 0 <= turn < turns:
            kind = 1.0 + ("forward" in self.groups) + ("backup" in self.groups)
            self._say(physical, "propose", np.where(asks & stance.joins, kind, 0.0))
            self._say(physical, "peer", np.broadcast_to(first, open_kw.shape))
            self._say(physical, "lasts", 24.0)
        elif "forward" in self.groups:
            others = (member + 1 + int(step) % max(agents - 1, 1)) % agents
            self._say(physical, "propose", 1.0)
            self._say(physical, "peer", np.broadcast_to(others, open_kw.shape))
            self._say(physical, "agreed_quantity", open_kw)
            self._say(physical, "agreed_price", self._price(seen, stance.offers))
            self._say(physical, "starts_in", float(AHEAD_H))
            self._say(physical, "lasts", 1.0)
            if "backup" in self.groups:
                options = stance.options & (open_kw > 0.0)
                premium = ROUNDING * self.damages_eur_per_kwh / 2.0 * open_kw
                self._say(physical, "propose", np.where(options, 2.0, 1.0))
                self._say(physical, "premium", np.where(options, premium, 0.0))

    def _accepts(
        self,
        seen: Mapping[str, FloatArray],
        slot: int,
        open_kw: FloatArray,
        limit: FloatArray,
        stance: Stance,
    ) -> BoolArray:
        """Which members say yes to what lies in a place of their inbox, (batch, agent)."""
        kw, price = seen[f"inbox_quantity_{slot}"], seen[f"inbox_price_{slot}"]
        near, half_tick = 1e-6, 0.5 * self.tick_eur_per_kwh
        fair = np.where(kw > 0.0, price <= limit + half_tick, price >= limit - half_tick)
        covers = (np.sign(kw) == np.sign(open_kw)) & (np.abs(kw) <= np.abs(open_kw) + near)
        forward = (seen[f"inbox_forward_{slot}"] > 0.0) & fair & covers
        risk = np.abs(kw) * seen[f"inbox_length_{slot}"] * self.damages_eur_per_kwh / 2.0
        sells = (kw < 0.0) & fair & (seen[f"inbox_premium_{slot}"] >= risk)
        backup = (seen[f"inbox_backup_{slot}"] > 0.0) & sells
        joined = (seen[f"inbox_coalition_{slot}"] > 0.0) & stance.joins
        return np.asarray(forward | backup | joined)


def contracting(scenario: Scenario) -> Contracting:
    """The rule of a scenario; `truthful` where it has no agreements."""
    setting = scenario.spec.coordination
    rule = truthful(scenario)
    seen = {feature.name: column for column, feature in enumerate(features(scenario))}
    said = [word[0] for word in words(scenario)]
    return Contracting(
        rule=rule,
        table=rule.table,
        seen=seen,
        said=_columns(rule.table, scenario, said),
        groups=() if setting is None else tuple(setting.columns),
        steps=scenario.steps,
        steps_per_day=scenario.steps_per_day,
        dt_h=scenario.dt_h,
        group_size=1 if setting is None else min(setting.max_size, len(scenario.agents)),
        tick_eur_per_kwh=scenario.spec.tick_eur_per_kwh,
        damages_eur_per_kwh=0.0 if setting is None else setting.damages_eur_per_kwh,
    )


def _columns(table: ActionMap, scenario: Scenario, names: Sequence[str]) -> Mapping[str, int]:
    """Column of the action by name, for those of agreements."""
    if not names:
        return {}
    return {name: table.assets + 2 + place(scenario, name) for name in names}
