"""A board: communities of one scenario in mid-game, moved in place by one call per step."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Final, Protocol, cast

import numpy as np

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.coordination.records import Agreements
from p2p_market.community.episode.episode import Episode
from p2p_market.community.fused.clearing import KERNELS
from p2p_market.community.fused.kernel import play
from p2p_market.community.fused.tables import (
    OPTIONAL_SERIES,
    OWN_SERIES,
    WINDOW_SERIES,
    WORLD_SERIES,
    Blocks,
    Game,
    Moving,
    Series,
    Tables,
    Windows,
    Work,
    optional,
    tables_of,
    work_of,
    workspace,
    worlds,
)
from p2p_market.community.invariants import insist
from p2p_market.community.kernel_inputs import fixed
from p2p_market.community.observation import observe
from p2p_market.community.records import Acting, Action, Flows, Ledger, Past, Proposal, Round, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import Packed
from p2p_market.market import MECHANISMS
from p2p_market.market.book import Fills
from p2p_market.records import BoolArray, Float32Array, FloatArray, IntArray


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

    def outcome(self) -> Round | None:
        """A copy of everything the last step produced; None before the first."""

    def cause(self) -> IntArray:
        """Who was held in fallback in the last step, (batch, agent) in SUPERVISOR_CAUSES."""


def board(scenario: Scenario, episode: Episode, state: State, strict: bool) -> Board:
    """The board of a batch of episodes: compiled, unless the mechanism is plain Python."""
    if MECHANISMS[scenario.spec.mechanism].kernel not in KERNELS:
        return PureBoard(scenario, episode, state, strict)
    work = workspace(scenario, rows=episode.batch, slots=episode.batch)
    return CompiledBoard(scenario, tables_of(scenario, strict), *of_episode(episode), [work], state)


class PureBoard:
    """A board over `engine.step`."""

    def __init__(self, scenario: Scenario, episode: Episode, state: State, strict: bool) -> None:
        """Begin at a state."""
        self.scenario, self.episode, self.strict = scenario, episode, strict
        self._table, self._state = action_map(scenario), state
        self._outcome: Round | None = None

    @property
    def step(self) -> int:
        """Steps played."""
        return self._state.step

    def play(
        self, actions: FloatArray, present: BoolArray, reward: FloatArray, seen: Float32Array
    ) -> None:
        """See `Board`."""
        table = self._table
        proposal = to_proposal(table.physical(actions), present, table.further)
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

    def outcome(self) -> Round | None:
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
        tables: Tables,
        windows: Windows,
        series: Series,
        blocks: Sequence[Blocks],
        state: State,
    ) -> None:
        """Begin at a state, which is copied.

        Args:
            blocks: scratch of each thread; `cause` and `outcome` need one with a row per community.
        """
        self.scenario, self.tables, self.blocks = scenario, tables, tuple(blocks)
        self.work = tuple(map(work_of, blocks))
        self._step, self._reward = 0, cast(FloatArray | None, None)
        self.begin(windows, series, state)
        for scratch in self.work:
            _place(series, scratch)
        self._pool = ThreadPoolExecutor(len(self.work)) if len(self.work) > 1 else None

    @property
    def step(self) -> int:
        """Steps played."""
        return self._step

    def play(
        self, actions: FloatArray, present: BoolArray, reward: FloatArray, seen: Float32Array
    ) -> None:
        """See `Board`."""
        wrong = self._run(True, actions, present, reward, seen)
        if wrong and self.tables.strict:
            for work in self.work:
                insist(self.scenario, self.step, work.residual)
        self._step, self._reward = self._step + 1, reward

    def show(self, seen: Float32Array) -> None:
        """See `Board`."""
        self._run(False, *_NOBODY, seen)

    def begin(self, windows: Windows, series: Series, state: State) -> None:
        """Go to a state of such episodes; the state is copied."""
        self.windows, self.series = windows, series
        self.moving = Moving._make(_copied(array) for array in state.arrays()[1:])
        self._step, self._reward = state.step, None
        self._pack()

    def _pack(self) -> None:
        """Convert the arrays for the compiled code, once for many steps."""
        tables = self.tables, self.windows, self.series, self.moving
        self._packed = [Packed(Game(*tables, blocks)) for blocks in self.blocks]

    def _run(
        self,
        act: bool,
        actions: FloatArray,
        present: BoolArray,
        reward: FloatArray,
        seen: Float32Array,
    ) -> int:
        """Run the compiled step, in threads if asked for; returns how many agents broke a law."""
        present = fixed(present)  # whether the caller may write there or not: one compiled form
        given = actions, present, reward, seen
        if self._pool is None:
            return int(play(self._packed[0], self._step, act, 0, len(seen), *given))
        futures = [
            self._pool.submit(play, packed, self._step, act, first, last, *given)
            for packed, (first, last) in zip(self._packed, self._shares(len(seen)), strict=True)
        ]
        wrong: int = sum(future.result() for future in futures)
        return wrong

    def _shares(self, batch: int) -> list[tuple[int, int]]:
        """First and last community of each thread, in whole chunks."""
        rows = len(self.work[0].told)
        edges = [batch // rows * n // len(self.work) * rows for n in range(len(self.work) + 1)]
        return list(pairwise(edges))

    def state(self) -> State:
        """See `Board`."""
        copies: Any = _copied(self.moving)
        past = None if copies.past is None else Past(*copies.past)
        acting = None if copies.acting is None else Acting(*copies.acting)
        agreed = None if copies.agreements is None else Agreements(*copies.agreements)
        kept = copies._replace(past=past, acting=acting, agreements=agreed)
        return State(self._step, *kept)

    def cause(self) -> IntArray:
        """See `Board`."""
        cause: IntArray = self.work[0].watch.cause
        return cause

    def outcome(self) -> Round | None:
        """See `Board`."""
        if self._reward is None:
            return None
        work = _copied(self.work[0])
        everyone = np.ones(work.asked.present.shape, dtype=np.bool_)
        return Round(
            proposal=Proposal(*work.asked._replace(present=everyone)),
            action=Action(*work.action),
            fills=Fills(*work.fills),
            flows=Flows(*work.flows),
            ledger=Ledger(*work.ledger),
            cause=work.watch.cause,
            reward=self._reward.copy(),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the threads and what is on the compiled side."""
        left_out = {"_pool": None, "_packed": None, "work": None}
        return {**self.__dict__, **left_out, "blocks": self.blocks[:1]}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        """Unpickle; arrays forget on the way that they are read-only, a part of their type."""
        self.__dict__.update(attributes)
        for name in ("tables", "windows", "series"):
            setattr(self, name, fixed(getattr(self, name)))
        self.work = tuple(map(work_of, self.blocks))
        self._pack()


_NOBODY: Final = np.zeros((0, 0, 0)), np.zeros((0, 0), dtype=np.bool_), np.zeros((0, 0))


def _copied(value: Any) -> Any:
    """All arrays of a tuple of tuples, copied."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return None if value is None else type(value)(*map(_copied, value))


def _place(series: Series, work: Work) -> None:
    """Write the presence of assets, once for all steps, where none of them ever leaves."""
    for there in (work.now.plugged, work.stays):
        there[:] = series.plugged[0, 0]
    work.now.floor_kwh[:] = series.floor_kwh[0, 0]


def of_episode(episode: Episode) -> tuple[Windows, Series]:
    """Tables of a batch of episodes, a window of its own for each community."""
    top_kw, slot = episode.pv_ceiling_kw.max(axis=0), np.arange(episode.batch)
    shared = [fixed(np.ascontiguousarray(getattr(episode, name))) for name in WINDOW_SERIES]
    own = [fixed(np.ascontiguousarray(getattr(episode, name))) for name in OWN_SERIES]
    world = worlds([getattr(episode, name) for name in WORLD_SERIES])
    rest = [optional(getattr(episode, name)) for name in OPTIONAL_SERIES]
    return Windows._make([*shared, fixed(top_kw), *rest]), Series._make([*own, fixed(slot), world])
