"""A board: communities of one scenario in mid-game, moved in place by one call per step."""

from typing import Any, Final, Protocol

import numpy as np

from p2p_market import engine
from p2p_market.actions import action_map, to_proposal
from p2p_market.episode import Episode
from p2p_market.fused.kernel import compiled
from p2p_market.fused.tables import Moving, Rules, Series, Windows, Work, fixed, rules, workspace
from p2p_market.invariants import insist
from p2p_market.market import MECHANISMS
from p2p_market.observation import observe
from p2p_market.records import (
    Action,
    BoolArray,
    Fills,
    Float32Array,
    FloatArray,
    Flows,
    IntArray,
    Ledger,
    Outcome,
    Proposal,
    State,
)
from p2p_market.scenario import Scenario


class Board(Protocol):
    """Where communities stand, and the one call that moves them."""

    @property
    def step(self) -> int:
        """Steps played."""

    def play(
        self, actions: FloatArray, present: BoolArray, reward: FloatArray, seen: Float32Array
    ) -> None:
        """Play one step.

        Args:
            actions: normalised, (batch, agent, column).
            present: whose message arrived, (batch, agent).
            reward: filled, (batch, agent) [EUR].
            seen: filled with the observations after the step, (batch, agent, feature).

        Raises:
            InvariantError: on a strict board, if energy or money does not balance.
        """

    def show(self, seen: Float32Array) -> None:
        """Fill in the observations of this moment, (batch, agent, feature)."""

    def state(self) -> State:
        """A copy of the state."""

    def outcome(self) -> Outcome | None:
        """A copy of everything the last step produced; None before the first."""

    def cause(self) -> IntArray:
        """Who was held in fallback in the last step, (batch, agent) in SUPERVISOR_CAUSES."""


def board(scenario: Scenario, episode: Episode, state: State, strict: bool) -> Board:
    """The board of a batch of episodes: compiled, unless the mechanism is plain Python."""
    if MECHANISMS[scenario.spec.mechanism].kernel is None:
        return PureBoard(scenario, episode, state, strict)
    fixed = rules(scenario, strict)
    work = workspace(scenario, rows=episode.batch)
    return CompiledBoard(scenario, fixed, *of_episode(episode), work, state)


class PureBoard:
    """A board over `engine.step`."""

    def __init__(self, scenario: Scenario, episode: Episode, state: State, strict: bool) -> None:
        """Begin at a state."""
        self.scenario, self.episode, self.strict = scenario, episode, strict
        self._state = state
        self._outcome: Outcome | None = None

    @property
    def step(self) -> int:
        """Steps played."""
        return self._state.step

    def play(
        self, actions: FloatArray, present: BoolArray, reward: FloatArray, seen: Float32Array
    ) -> None:
        """See `Board`."""
        proposal = to_proposal(action_map(self.scenario).physical(actions), present)
        self._state, self._outcome = engine.step(
            self.scenario, self.episode, self._state, proposal, self.strict
        )
        reward[:] = self._outcome.reward
        self.show(seen)

    def show(self, seen: Float32Array) -> None:
        """See `Board`."""
        seen[:] = observe(self.scenario, self.episode, self._state)

    def state(self) -> State:
        """See `Board`."""
        return self._state

    def outcome(self) -> Outcome | None:
        """See `Board`."""
        return self._outcome

    def cause(self) -> IntArray:
        """See `Board`."""
        assert self._outcome is not None
        return self._outcome.cause


class CompiledBoard:
    """A board over the compiled step, whose arrays it owns; the communities share one clock."""

    def __init__(
        self,
        scenario: Scenario,
        fixed: Rules,
        windows: Windows,
        series: Series,
        work: Work,
        state: State,
    ) -> None:
        """Begin at a state, which is copied.

        Args:
            work: scratch; with a row for each community the last outcome can be asked for.
        """
        self.scenario, self.rules, self.windows, self.series = scenario, fixed, windows, series
        self.work, self._step = work, state.step
        self.moving = Moving(
            *(getattr(state, name).copy() for name in State.__dataclass_fields__ if name != "step")
        )
        _place(series, work)
        self._reward: FloatArray | None = None
        self._nobody = np.zeros((0, 0, 0)), np.zeros((0, 0), dtype=np.bool_), np.zeros((0, 0))

    @property
    def step(self) -> int:
        """Steps played."""
        return self._step

    def play(
        self, actions: FloatArray, present: BoolArray, reward: FloatArray, seen: Float32Array
    ) -> None:
        """See `Board`."""
        batch = len(reward)
        wrong = compiled()(
            self.rules, self.windows, self.series, self.step, True, 0, batch, actions, present,
            self.moving, self.work, reward, seen,
        )  # fmt: skip
        if wrong and self.rules.strict:
            insist(self.scenario, self.step, self.work.residual)
        self._step, self._reward = self._step + 1, reward

    def show(self, seen: Float32Array) -> None:
        """See `Board`."""
        actions, present, reward = self._nobody
        compiled()(
            self.rules, self.windows, self.series, self.step, False, 0, len(seen), actions,
            present, self.moving, self.work, reward, seen,
        )  # fmt: skip

    def state(self) -> State:
        """See `Board`."""
        copies: Any = [array.copy() for array in self.moving]
        return State(self._step, *copies)

    def cause(self) -> IntArray:
        """See `Board`."""
        return self.work.cause

    def outcome(self) -> Outcome | None:
        """See `Board`."""
        if self._reward is None:
            return None
        copies: Any = [array.copy() for array in self.work]
        work = Work(*copies)
        everyone = np.ones(work.present.shape, dtype=np.bool_)
        asked = Proposal(work.asked_setpoint, work.asked_quantity, work.asked_price, everyone)
        order = work.order_quantity, work.order_price
        exchange = work.imported, work.exported, work.lost
        levels = self.moving.energy_kwh.copy()
        return Outcome(
            proposal=asked,
            action=Action(work.executed, work.curtailed, work.shed, work.net, *order),
            fills=Fills(work.fill, work.payment, work.hub_price),
            flows=Flows(*exchange, levels, work.missing, work.correction),
            ledger=Ledger(work.entries, work.balance),
            cause=work.cause,
            reward=self._reward.copy(),
        )

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        """Unpickle; arrays forget on the way that they are read-only, a part of their type."""
        self.__dict__.update(attributes)
        for name in ("rules", "windows", "series"):
            table = getattr(self, name)
            setattr(self, name, type(table)(*map(fixed, table)))


def _place(series: Series, work: Work) -> None:
    """Whether assets are there, once and for all where none of them ever leaves."""
    for there in (work.plugged, work.stays):
        there[:] = series.plugged[0, 0]
    work.tube[:] = series.floor_kwh[0, 0]


def of_episode(episode: Episode) -> tuple[Windows, Series]:
    """Tables of a batch of episodes, a window of its own for each community."""
    top_kw, slot = episode.pv_ceiling_kw.max(axis=0), np.arange(episode.batch)
    shared = [getattr(episode, name) for name in WINDOW_SERIES]
    own = [getattr(episode, name) for name in OWN_SERIES]
    return Windows._make([*shared, fixed(top_kw)]), Series._make([*own, fixed(slot)])


WINDOW_SERIES: Final = (
    "retail_eur_per_kwh", "expected_load_kw", "load_spread_kw", "expected_pv_kw", "pv_spread_kw",
    "pv_ceiling_kw", "ask_floor_eur_per_kwh", "bid_cap_eur_per_kwh", "carbon_eur_per_kwh",
    "co2_kg_per_kwh", "calendar", "known_price_step",
)  # fmt: skip
OWN_SERIES: Final = (
    "load_kw", "pv_kw", "grid", "plugged", "departs", "trip_kwh", "floor_kwh", "hours_left",
    "start_energy_kwh", "sensor_fault", "sensor_bias", "message_fault",
)  # fmt: skip
"""Fields of an episode, in the order of `Windows` and `Series`."""
