"""The PettingZoo environment: a batch of one over the compiled step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.coordination.told import with_agreements
from p2p_market.community.envs.asking import OnRequest, answered, requests, with_acts
from p2p_market.community.envs.rendering import image, one_line
from p2p_market.community.episode.episode import Episode, draw, key_in_sequence, reference_key
from p2p_market.community.fused import Board, board
from p2p_market.community.observation import features, joint_state, state_features, surroundings
from p2p_market.community.records import (
    LEDGER_ENTRIES,
    SUPERVISOR_CAUSES,
    Proposal,
    Round,
    State,
)
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import RenderError, ResetNeededError, ScenarioError
from p2p_market.records import BoolArray, Float32Array, FloatArray, Record
from p2p_market.track import EpisodeKey, Feature
from p2p_market.validation import by_agent, floats, lean_or_full, options_of, whole_number

ActionDict = Mapping[str, NDArray[np.floating[Any]]]

INFO_KEYS: Final = (
    "proposed",
    "filtered",
    "fill_kw",
    "clearing_price_eur_per_kwh",
    "supervisor",
    "ledger_eur",
    "correction_kw",
    "net_load_kw",
)
"""Keys of full `infos[agent]`; lean ones have `supervisor` only. `ledger_eur` has the columns of
`LEDGER_ENTRIES`, the clearing price is None when nothing was traded. Where members may sign
agreements, `agreements` says what became of what they said."""


@dataclass(frozen=True, slots=True)
class Snapshot(Record):
    """Where an environment stands in mid-episode; `restore` continues alike."""

    episode: Episode
    state: State
    seeds: np.random.SeedSequence | None
    drawn: int
    agents: tuple[str, ...]


class CommunityEnv(ParallelEnv[str, Float32Array, NDArray[np.floating[Any]]]):
    """Prosumers trade with each other before the grid serves the rest.

    One agent per member of the scenario; all act at once. Each step is one market interval.
    Set-points and orders pass the feasibility filter, so no action of ordinary
    size can harm. NaN, infinity or a number beyond 1e6 (kW, EUR/kWh), in the columns of absent
    devices too, or a missing agent puts that agent into grid-only fallback for a while.

    Action, `Box(-1, 1)`, columns mapped affinely to physical units (`community.actions`):

    | column | name | unit | -1 | 1 |
    |---|---|---|---|---|
    | 0 .. K-1 | set-point k, > 0 charge, < 0 discharge | kW | lowest power | highest power |
    | K | quantity, > 0 buy, < 0 sell | kW | - connection limit | connection limit |
    | K + 1 | limit price at the hub | EUR/kWh | 0 | highest price |

    Set-point k is that of the flexible asset k of the member.

    Observation, `Box` in physical units: own storage, load and PV of this step, prices, carbon,
    calendar, time left, forecasts with 80 % bands. `env.feature_table` lists name, unit and range
    of each number; `env.state()` is a compact joint state for critics, listed in
    `env.state_feature_table`.

    Reward: minus the agent's bill of the step [EUR], as the scenario weighs it. The end of the
    horizon is a termination: stored energy that differs from the start is settled there at the
    terminal value. With a filter penalty an agent pays for each kW that its set-points and its
    quantity are moved; a message with NaN or a missing agent pays for more than any action of the
    action space: for the connection limit plus the range of each device.

    A scenario may add columns. With `acts: true` agents may ask a human: `env.on_human_request`, if
    set, is called with each `HumanRequest`, and the action it returns is played instead;
    `infos[agent]` tell `human_request`, its urgency, and `answered`, that action.

    `reset(seed, options)`: `options={"reference": 5}` plays row 5 (of 0 to 12) of the reference
    table, whatever the seed: the test week whose optimum and no-trade cost are published. Options
    `split` ("train", "validation", "test") and `week` (0 to 12) choose another part of the year,
    drawn from the seed. A misspelt one is an error; other options are ignored.

    Version history: v0, first version.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (PettingZoo reads it from the class)
        "name": "p2p_market_v0",
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
        "is_parallelizable": True,
    }
    ledger_entries = LEDGER_ENTRIES
    info_keys = INFO_KEYS

    def __init__(
        self,
        scenario: Scenario,
        strict: bool = False,
        render_mode: str | None = None,
        info: str = "lean",
    ) -> None:
        """Build the environment.

        Args:
            scenario: what to play.
            strict: raise on a broken invariant instead of latching the agents concerned.
            render_mode: what `render` gives, "ansi" (a line of text) or "rgb_array" (a figure).
            info: "lean": infos tell `supervisor` only; "full": all of `info_keys`, slower.

        Raises:
            RenderError: if there is no such mode.
            ArgumentError: if info is neither.
        """
        modes = self.metadata["render_modes"]
        if render_mode is not None and not (isinstance(render_mode, str) and render_mode in modes):
            known = ", ".join(modes)
            raise RenderError(f"no render mode {render_mode!r}; known: {known}")
        self.scenario = scenario
        self.strict = strict
        self.info = lean_or_full(info)
        self.render_mode = render_mode
        self.possible_agents = list(scenario.agents)
        self.agents: list[str] = []
        self.feature_table: tuple[Feature, ...] = features(scenario)
        self.state_feature_table: tuple[Feature, ...] = state_features(scenario)
        self.action_map = action_map(scenario)
        self.state_space = box_of(self.state_feature_table)
        self._observation_boxes = dict.fromkeys(scenario.agents, box_of(self.feature_table))
        self._action_boxes = {
            a: Box(-1.0, 1.0, (self.action_map.width,), np.float32) for a in scenario.agents
        }
        self.observation_spaces = dict(self._observation_boxes)
        self.action_spaces = dict(self._action_boxes)
        self._index = {agent: i for i, agent in enumerate(scenario.agents)}
        self._seeds: np.random.SeedSequence | None = None  # two unseeded copies must not be twins
        self._drawn = 0
        self._shape = (1, len(scenario.agents), len(self.feature_table))
        self._everyone = np.ones(self._shape[:2], dtype=np.bool_)
        self._episode: Episode | None = None
        self._board: Board | None = None
        self.on_human_request: OnRequest | None = None
        self._answers: dict[str, FloatArray] = {}

    def observation_space(self, agent: str) -> Box:
        """Space of one agent's observation."""
        return self._observation_boxes[agent]

    def action_space(self, agent: str) -> Box:
        """Space of one agent's action."""
        return self._action_boxes[agent]

    @property
    def episode_key(self) -> EpisodeKey:
        """What the running episode was drawn from."""
        if self._episode is None:
            raise ResetNeededError("call reset() first")
        return self._episode.keys[0]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Float32Array], dict[str, dict[str, Any]]]:
        """Draw an episode.

        Args:
            seed: everything random in this and the following episodes comes from it; without it the
                last seed's sequence goes on. A whole number, 0 or more.
            options: `reference`, or `split` and `week`, see the class.

        Raises:
            ScenarioError: if there is no such row, split or week.
            ArgumentError: if the seed is no whole number, or the options are no mapping.
        """
        seeds, drawn = self._seeds, self._drawn
        if seed is not None or seeds is None:
            seed = None if seed is None else whole_number("seed", seed, 0)
            seeds, drawn = np.random.SeedSequence(seed), 0
        episode = draw(self.scenario, self._key(seeds, drawn, options_of(options)))
        self._seeds, self._drawn, self._episode = seeds, drawn + 1, episode
        state = engine.start(self.scenario, self._episode)
        self._board = board(self.scenario, self._episode, state, self.strict)
        self.agents = self.possible_agents[:]
        return self._observations(), {agent: {} for agent in self.agents}

    def _key(
        self, seeds: np.random.SeedSequence, drawn: int, options: Mapping[str, Any]
    ) -> EpisodeKey:
        """What the options ask for, or the next episode of the seed."""
        row = options.get("reference")
        if row is None:
            split, week = options.get("split", "train"), options.get("week")
            return key_in_sequence(self.scenario, seeds, drawn, split, week)
        if "split" in options or "week" in options:
            raise ScenarioError("options: reference chooses split and week; leave these out")
        return reference_key(self.scenario, row)

    def step(
        self, actions: ActionDict
    ) -> tuple[
        dict[str, Float32Array],
        dict[str, float],
        dict[str, bool],
        dict[str, bool],
        dict[str, dict[str, Any]],
    ]:
        """Play one market interval.

        Args:
            actions: normalised action per agent; an agent left out counts as a lost connection.

        Raises:
            ActionError: unknown agent, wrong shape or dtype.
            ResetNeededError: before `reset` or after the end.
        """
        board, agents = self._running(), self.agents
        joint, present = self._gather(actions)
        self._answers = {}
        if self.on_human_request is not None and self.scenario.spec.acts:
            present = self._ask(joint, present, self.on_human_request)
        reward, seen = np.empty(self._shape[:2]), np.empty(self._shape, dtype=np.float32)
        board.play(joint, present, reward, seen)
        ended = board.step >= self.scenario.steps
        if ended:
            self.agents = []
        return (
            dict(zip(agents, seen[0], strict=True)),
            dict(zip(agents, reward[0].tolist(), strict=True)),
            dict.fromkeys(agents, ended),
            dict.fromkeys(agents, False),
            self._infos(agents, joint, present),
        )

    def state(self) -> Float32Array:
        """Compact joint state for critics, in the order of `state_feature_table`."""
        episode, board = self._begun("state")
        around = surroundings(self.scenario, episode, board.step)
        joint: Float32Array = joint_state(self.scenario, around, board.state())[0]
        return joint

    def snapshot(self) -> Snapshot:
        """Everything needed to continue from here."""
        state = self._running().state()
        return Snapshot(
            self._begun("snapshot")[0], state, self._seeds, self._drawn, tuple(self.agents)
        )

    def restore(self, snapshot: Snapshot) -> dict[str, Float32Array]:
        """Go back to a snapshot of the same scenario; returns the observations there."""
        self._episode = snapshot.episode
        self._board = board(self.scenario, snapshot.episode, snapshot.state, self.strict)
        self._seeds, self._drawn = snapshot.seeds, snapshot.drawn
        self.agents = list(snapshot.agents)
        return self._observations()

    def render(self) -> str | NDArray[np.uint8] | None:
        """The step just played, as text or as an image (600, 1000, 3), as `render_mode` says.

        Raises:
            ResetNeededError: before `reset`.
            RenderError: if the image needs what is not installed.
        """
        episode, board = self._begun("render")
        if self.render_mode == "ansi":
            return one_line(self.scenario, board.state(), board.outcome())
        if self.render_mode == "rgb_array":
            return image(self.scenario, episode, board.state(), board.outcome())
        return None

    def close(self) -> None:
        """Nothing to release."""

    def _begun(self, what: str) -> tuple[Episode, Board]:
        if self._episode is None or self._board is None:
            raise ResetNeededError(f"call reset() before {what}()")
        return self._episode, self._board

    def _running(self) -> Board:
        if self._board is None:
            raise ResetNeededError("call reset() first")
        if self._board.step >= self.scenario.steps:
            raise ResetNeededError("the episode has ended; call reset() to start another")
        return self._board

    def _gather(self, actions: ActionDict) -> tuple[FloatArray, BoolArray]:
        """The joint action, (1, agent, column), and which agents sent one."""
        width = self.action_map.width
        joint = np.zeros((1, len(self._index), width))
        values = list(actions.values()) if isinstance(actions, Mapping) else []
        usual = {((width,), "f")}
        try:
            complete = {(v.shape, v.dtype.kind) for v in values} == usual
        except AttributeError:
            complete = False
        if complete and list(actions) == self.possible_agents:
            np.concatenate(values, out=joint.reshape(-1))
            return joint, self._everyone
        return joint, self._gather_some(actions, joint[0])

    def _ask(self, joint: FloatArray, present: BoolArray, human: OnRequest) -> BoolArray:
        """Play what a human answers; fills `joint`, and returns which agents sent something."""
        board = self._running()
        seen, there = np.empty(self._shape, dtype=np.float32), present.copy()
        board.show(seen)
        asked = requests(self.scenario, self.action_map, board.state(), joint[0], seen[0])
        out = joint[0], there[0]
        self._answers = answered(self.scenario, self.action_map, asked, human, *out)
        return there

    def _gather_some(self, actions: ActionDict, out_joint: FloatArray) -> BoolArray:
        """The same agent by agent, where some sent nothing; fills `out_joint`."""
        present, width = np.zeros_like(self._everyone), self.action_map.width
        for agent, action in by_agent(actions, self._index).items():
            i = self._index[agent]
            out_joint[i] = floats(f"{agent}: action", action, (width,))
            present[0, i] = True
        return present

    def _observations(self) -> dict[str, Float32Array]:
        assert self._board is not None
        seen = np.empty(self._shape, dtype=np.float32)
        self._board.show(seen)
        return dict(zip(self.agents, seen[0], strict=True))

    def _infos(
        self, agents: list[str], joint: FloatArray, present: BoolArray
    ) -> dict[str, dict[str, Any]]:
        assert self._board is not None
        if self.info == "full" and (outcome := self._board.outcome()) is not None:
            table = self.action_map
            proposal = to_proposal(table.physical(joint), present, table.further)
            infos = _full_infos(agents, proposal, outcome)
            if self.scenario.spec.coordination is not None:
                infos = with_agreements(infos, self._board.state().agreements)
        else:
            causes = self._board.cause()[0].tolist()
            infos = {
                agent: {"supervisor": SUPERVISOR_CAUSES[cause]}
                for agent, cause in zip(agents, causes, strict=True)
            }
        if not self.scenario.spec.acts:
            return infos
        return with_acts(infos, self.possible_agents, self._board.state().acting, self._answers)


def _full_infos(agents: list[str], proposal: Proposal, outcome: Round) -> dict[str, dict[str, Any]]:
    action, fills = outcome.action, outcome.fills
    proposed = np.column_stack(
        [proposal.setpoint_kw[0], proposal.quantity_kw[0], proposal.price_eur_per_kwh[0]]
    )
    filtered = np.column_stack(
        [action.setpoint_kw[0], action.quantity_kw[0], action.price_eur_per_kwh[0]]
    )
    price = float(fills.clearing_price_eur_per_kwh[0])
    columns = zip(
        proposed,
        filtered,
        fills.power_kw[0].tolist(),
        [None if np.isnan(price) else price] * len(agents),
        [SUPERVISOR_CAUSES[cause] for cause in outcome.cause[0]],
        outcome.ledger.entries_eur[0],
        outcome.flows.correction_kw[0].tolist(),
        action.net_load_kw[0].tolist(),
        strict=True,
    )
    return {
        agent: dict(zip(INFO_KEYS, row, strict=True))
        for agent, row in zip(agents, columns, strict=True)
    }


def box_of(table: tuple[Feature, ...]) -> Box:
    """Space of numbers in the ranges of a table."""
    low = np.array([feature.low for feature in table], dtype=np.float32)
    high = np.array([np.nextafter(np.float32(f.high), np.float32(np.inf)) for f in table])
    return Box(low, high.astype(np.float32), dtype=np.float32)
