"""One agent of any role as a Gymnasium environment; policies play all others."""

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import ArgumentError, ResetNeededError
from p2p_market.kit.boards import JointBoard, NewBoard, TrackBoard
from p2p_market.kit.cast import Given, Others, cast_of
from p2p_market.kit.sequences import Sequences
from p2p_market.kit.spaces import mask_for, seen_by, sent_by
from p2p_market.records import BoolArray, Float32Array, Role
from p2p_market.track import AnyScenario, EpisodeKey, Joint
from p2p_market.tracks import track_of
from p2p_market.validation import floats, options_of


class SeatEnv(gymnasium.Env[Float32Array, Any]):
    """An agent that learns while all others keep their policies, those of its own role too.

    Episodes, observations and rewards are those of `TrackEnv` with the same seed and options.
    Infos hold `supervisor`, why the supervisor held the agent; `entries_eur`, its row of the
    ledger [EUR], positive = paid; and `action_mask` where choices are masked.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 (Gymnasium reads the class)

    def __init__(
        self,
        scenario: AnyScenario,
        agent: str,
        others: Given | None = None,
        board: NewBoard = TrackBoard,
    ) -> None:
        """Take a seat.

        Args:
            scenario: what to play.
            agent: whose seat it is.
            others: role -> policy or baseline; a role that is left out plays its rule.
            board: plays episodes faster than the track's contract does.

        Raises:
            ArgumentError: if there is no such agent, role or baseline.
            ScenarioError: if the agent's role mixes choices and numbers.
        """
        if agent not in scenario.agents:
            known = ", ".join(scenario.agents)
            raise ArgumentError(f"{scenario.spec.id}: no agent {agent!r}; agents are {known}")
        roles: tuple[Role, ...] = track_of(scenario).roles(scenario)
        (self.role,) = (role for role in roles if agent in role.agents)
        self.scenario, self.agent = scenario, agent
        self.observation_space = seen_by(self.role.features)
        self.action_space = sent_by(self.role)
        self.keys: tuple[EpisodeKey, ...] = ()
        self._row, self._seat = self.role.agents.index(agent), scenario.agents.index(agent)
        cast = cast_of(scenario, others or {})
        if len(self.role.agents) == 1:
            del cast[self.role.name]
        self._others, self._sequences = Others(scenario, cast), Sequences(scenario)
        self._new_board, self._ended = board, True
        self._board: JointBoard | None = None
        self._seen: Joint = {}
        self._mask: BoolArray = np.zeros(0, dtype=np.bool_)

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Float32Array, dict[str, Any]]:
        """Draw an episode, see `TrackEnv.reset`.

        Raises:
            ArgumentError: if the seed is no whole number of 0 or more.
            ScenarioError: if there is no such split, week or row.
        """
        super().reset(seed=seed)
        self.keys = self._sequences.following(seed, options_of(options))
        episode = track_of(self.scenario).draw(self.scenario, self.keys[0])
        if self._board is None:
            self._board = self._new_board(self.scenario, episode)
        else:
            self._board.begin(episode)
        self._others.start(self.keys)
        self._ended = False
        return self._shown(*self._board.show(), 0)

    def step(self, action: Any) -> tuple[Float32Array, float, bool, bool, dict[str, Any]]:
        """Play one step.

        Raises:
            ResetNeededError: before `reset` or after the end.
            ActionError: if the action has another shape.
        """
        if self._board is None or self._ended:
            raise ResetNeededError("call reset() first")
        joint = self._others.act(self._seen)
        own = joint.setdefault(self.role.name, np.zeros((1, 1, len(self.role.columns))))
        shape = (len(self.role.columns),)
        own[0, self._row] = floats(f"{self.agent}: action", action, shape, "fiu")
        shown = self._board.play(joint)
        done = self._board.done
        self._ended = self._board.step == self.scenario.steps
        seen, info = self._shown(*shown, int(done.cause[0, self._seat]))
        info["entries_eur"] = done.entries_eur[0, self._seat].copy()
        return seen, float(done.reward[0, self._seat]), self._ended, False, info

    def action_masks(self) -> BoolArray:
        """Possible choices of this moment, all columns in a row; none where actions are numbers."""
        return self._mask

    def _shown(
        self, seen: Joint, masks: Mapping[str, BoolArray], cause: int
    ) -> tuple[Float32Array, dict[str, Any]]:
        self._seen, self._mask = seen, masks[self.role.name][0, self._row]
        info: dict[str, Any] = {"supervisor": track_of(self.scenario).CARD.causes[cause]}
        if self._mask.size:
            info["action_mask"] = mask_for([one.choices for one in self.role.columns], self._mask)
        own: NDArray[np.float32] = seen[self.role.name][0, self._row].copy()
        return own, info
