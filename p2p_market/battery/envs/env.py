"""The PettingZoo environment of the track."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from gymnasium.spaces import Box, Space
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.battery.envs.board import Board
from p2p_market.battery.episode.episode import draw
from p2p_market.battery.observation import AHEAD, POSITION, features
from p2p_market.battery.records import CAUSES, COLUMN
from p2p_market.battery.scenario import Scenario
from p2p_market.errors import ResetNeededError
from p2p_market.kit.sequences import Sequences
from p2p_market.kit.spaces import mask_for, seen_by, sent_by
from p2p_market.records import Float32Array
from p2p_market.track import EpisodeKey, Feature
from p2p_market.tracks import track_of
from p2p_market.validation import by_agent, floats, lean_or_full, no_pictures, options_of

Shown = dict[str, Any]

INFO_KEYS: Final = (
    "action_mask",
    "supervisor",
    "proposed",
    "executed",
    "accepted_mw",
    "activation",
    "ledger_eur",
    "level_mwh",
)
"""Keys of full `infos[agent]`; lean ones have the first two. `proposed` and `executed` are reserve
and energy [MW] as asked for and as played, the legs of the step apart: day-ahead, reserve, energy.
`ledger_eur` has the columns of `LEDGER_ENTRIES`."""

_COMMON: Final = (*range(3, POSITION), *range(POSITION + AHEAD + 1, POSITION + 2 * AHEAD + 1))
"""Features that all batteries share, as they stand in the joint state."""
_OWN: Final = (0, POSITION)


class BatteryEnv(ParallelEnv[str, Float32Array, NDArray[Any]]):
    """Large batteries in four markets: day-ahead, intraday, automatic and manual reserve.

    One agent per battery; all act at once. The day-ahead position is given and always delivered as
    far as the level allows; in a bidding scenario the agent also says tomorrow's position. Choices
    that `infos[agent]["action_mask"]` forbids are allowed, and cut to what is possible. A missing
    agent, NaN or an index that is no choice latch a battery for a while: it offers and trades
    nothing then.

    Action, `MultiDiscrete([5, 5, 21])`, and 24 columns of 11 where the position is bid:

    | column | name | index | meaning |
    |---|---|---|---|
    | 0 | offer | 0 .. 4 | 0 to 100 % of the free power as reserve in both directions |
    | 1 | tier | 0 .. 4 | at 0.70, 0.85, 1.00, 1.15 or 1.30 times the reference price |
    | 2 | energy | 0 .. 20 | from buying full power over nothing (10) to selling full power |
    | 3 .. 26 | bid | 0 .. 10 | tomorrow, hour by hour: from selling over nothing (5) to buying |

    A scenario that `p2p_market.battery.in_numbers` made takes a `Box` of the same columns in
    [-1, 1] instead, for learners of continuous actions: share and tier from low to high, power
    positive to buy. Nothing is masked then.

    Observation, `Box` in physical units: `env.feature_table` lists name, unit and range of each
    number; `env.state()` is a compact joint state for critics, listed in `env.state_feature_table`.

    Reward: minus the ledger of the step in units of 1,000 EUR, shaping entries included. The end of
    the horizon is a termination.

    `reset(seed, options)`: `split`, `week` and `reference` choose the episode.

    Version history: v0, first version.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 (PettingZoo reads it from the class)
        "name": "p2p_market_battery_v0",
        "render_modes": [],
        "is_parallelizable": True,
    }

    def __init__(
        self, scenario: Scenario, render_mode: str | None = None, info: str = "lean"
    ) -> None:
        """Build the environment.

        Args:
            scenario: what to play.
            render_mode: there is none.
            info: "lean": infos tell mask and supervisor only; "full": all of `INFO_KEYS`.

        Raises:
            RenderError: if a render mode is asked for.
            ArgumentError: if info is neither.
        """
        no_pictures(render_mode)
        self.scenario, self.render_mode, self.info = scenario, render_mode, lean_or_full(info)
        self.possible_agents, self.agents = list(scenario.agents), list[str]()
        self.feature_table: tuple[Feature, ...] = features(scenario)
        self.state_feature_table = state_features(scenario)
        self.state_space = seen_by(self.state_feature_table)
        (role,) = track_of(scenario).roles(scenario)
        self._sizes = [column.choices for column in role.columns if column.choices]
        self._boxes = dict.fromkeys(scenario.agents, seen_by(self.feature_table))
        self._sent = {agent: sent_by(role) for agent in scenario.agents}
        self.observation_spaces, self.action_spaces = dict(self._boxes), dict(self._sent)
        self._index = {agent: i for i, agent in enumerate(scenario.agents)}
        self._actions = np.zeros((1, len(scenario.agents), len(role.columns)))
        self._everyone = np.ones(self._actions.shape[:2], dtype=np.bool_)
        self._sequences = Sequences(scenario)
        self._board: Board | None = None
        self._seen: Any = None

    def observation_space(self, agent: str) -> Box:
        """Space of one agent's observation."""
        return self._boxes[agent]

    def action_space(self, agent: str) -> Space[Any]:
        """Space of one agent's action."""
        return self._sent[agent]

    @property
    def episode_key(self) -> EpisodeKey:
        """What the running episode was drawn from."""
        return self._begun().episode.keys[0]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Shown, Shown]:
        """Draw an episode; without a seed the next one in the sequence of the last seed.

        Args:
            seed: of the sequence, 0 or more.
            options: `split` (default "train"); `week`, a unit of the split, of which the first
                episode is played; `reference`, one of all test episodes in their order.

        Raises:
            ArgumentError: if the seed is not a whole number.
            ScenarioError: if there is no such split, week or row.
        """
        (key,) = self._sequences.following(seed, options_of(options))
        episode = draw(self.scenario, key)
        if self._board is None:
            self._board = Board(self.scenario, episode)
        else:
            self._board.begin(episode)
        self.agents = self.possible_agents[:]
        self._seen, mask = self._board.show()
        infos = self._lean(self.agents, mask[0], [0] * len(self.agents))
        return dict(zip(self.agents, self._seen[0], strict=True)), infos

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Shown, dict[str, float], dict[str, bool], dict[str, bool], Shown]:
        """Play one step.

        Args:
            actions: agent -> action in its space; an agent left out is missing.

        Raises:
            ResetNeededError: before `reset` or after the end.
            ActionError: if an agent is unknown, or an action has another shape or no numbers.
        """
        if not self.agents or self._board is None:
            raise ResetNeededError("call reset() first")
        board, agents = self._board, self.agents
        heard = self._everyone if len(actions) == len(agents) else np.zeros_like(self._everyone)
        for agent, action in by_agent(actions, self._index).items():
            place, shape = self._index[agent], self._actions.shape[2:]
            self._actions[0, place] = floats(f"{agent}: action", action, shape, "fiu")
            heard[0, place] = True
        self._seen, mask = board.play(self._actions, heard)
        ended = board.step == self.scenario.steps
        if ended:
            self.agents = []
        return (
            dict(zip(agents, self._seen[0], strict=True)),
            dict(zip(agents, board.done.reward[0].tolist(), strict=True)),
            dict.fromkeys(agents, ended),
            dict.fromkeys(agents, False),
            self._infos(agents, mask),
        )

    def state(self) -> Float32Array:
        """Joint state for critics, in the order of `state_feature_table`."""
        self._begun()
        own = self._seen[0][:, _OWN].ravel()
        joint: Float32Array = np.concatenate([own, self._seen[0, 0, _COMMON]])
        return joint

    def close(self) -> None:
        """Nothing to release."""

    def _begun(self) -> Board:
        if self._board is None:
            raise ResetNeededError("call reset() first")
        return self._board

    def _infos(self, agents: list[str], mask: NDArray[Any]) -> Shown:
        board = self._begun()
        infos = self._lean(agents, mask[0], board.done.cause[0].tolist())
        if self.info == "full":
            for i, agent in enumerate(agents):
                infos[agent] |= self._details(board, i)
        return infos

    def _lean(self, agents: list[str], masks: NDArray[Any], causes: list[int]) -> Shown:
        if not self._sizes:
            return {
                agent: {"supervisor": CAUSES[cause]}
                for agent, cause in zip(agents, causes, strict=True)
            }
        return {
            agent: {"action_mask": mask_for(self._sizes, own), "supervisor": CAUSES[cause]}
            for agent, own, cause in zip(agents, masks, causes, strict=True)
        }

    def _details(self, board: Board, i: int) -> Shown:
        order, done = board.order, board.done
        legs = np.array([done.dam_mw[0, i], done.afrr_mw[0, i], done.energy_mw[0, i]])
        return {
            "proposed": np.array([order.offer_mw[0, i], order.wish_mw[0, i]]),
            "executed": legs,
            "accepted_mw": float(done.accepted_mw[0, i]),
            "activation": int(board.episode.market[0, board.step, COLUMN["activation"]]),
            "ledger_eur": done.entries_eur[0, i].copy(),
            "level_mwh": float(done.level_mwh[0, i]),
        }


def state_features(scenario: Scenario) -> tuple[Feature, ...]:
    """Name, unit and range of the joint state: level and position of each battery, then prices."""
    table = features(scenario)
    own = [
        replace(table[place], name=f"{agent}_{table[place].name}")
        for agent in scenario.agents
        for place in _OWN
    ]
    return (*own, *(table[place] for place in _COMMON))
