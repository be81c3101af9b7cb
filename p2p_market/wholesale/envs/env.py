"""The PettingZoo environment of the track."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from p2p_market.environment import Shown, TrackEnv
from p2p_market.errors import ResetNeededError
from p2p_market.track import EpisodeKey
from p2p_market.validation import by_agent, floats, lean_or_full, options_of
from p2p_market.wholesale.actions import Sent
from p2p_market.wholesale.engine import fixed
from p2p_market.wholesale.envs.board import Board
from p2p_market.wholesale.episode.episode import draw
from p2p_market.wholesale.observation import Seen
from p2p_market.wholesale.records import CAUSES, LEDGER_ENTRIES
from p2p_market.wholesale.scenario import Scenario

OBJECTIVES: Final = ("stability", "cost", "environment")
"""Parts of the operator's reward, EUR, the higher the better."""


class WholesaleEnv(TrackEnv):
    """A power system in five-minute steps: generators, storages, consumers and a grid operator.

    All act at once, then a uniform-price auction clears and physics follows: frequency, voltage and
    an emergency protocol that nobody can leave. A missing agent, NaN or an index that is no choice
    latch an agent for a while: it plays the fallback of its role.

    Actions:

    | role | space | column | meaning |
    |---|---|---|---|
    | generator | `Box(-1, 1, (2,))` | bid level | the lowest to the highest of 20 prices |
    | | | offered share | none to all of what lies above the lower bound |
    | storage | `Box(-1, 1, (2,))` | power | full discharge to full charge |
    | | | limit price | -49 to 499 EUR/MWh |
    | consumer | `Box(-1, 1, (2,))` | adjustment | none to all of the flexible load may be reduced |
    | | | response price | -51 to 499 EUR/MWh; it is served where the price is below |
    | operator | `Discrete(25)` | reserve and tap | 5 * reserve level + tap + 2 |

    Observations, `Box` in physical units: `env.feature_table[agent]` lists name, unit and range of
    each of the 64, 48, 40 and 80 numbers. None of them tells the running step's wind, sun or load.

    Reward: minus the agent's ledger of the step [EUR], of units of one owner their sum; the
    operator's is minus social cost. The end of the horizon is a termination.

    `reset(seed, options)`: `split`, `week` and `reference` choose the episode.

    Version history: v0, first version.
    """

    scenario: Scenario

    def __init__(
        self, scenario: Scenario, render_mode: str | None = None, info: str = "lean"
    ) -> None:
        """Build the environment.

        Args:
            scenario: what to play.
            render_mode: there is none.
            info: "lean": infos tell the supervisor, and the operator's objectives; "full": also the
                ledger of each agent and the clearing price.

        Raises:
            RenderError: if a render mode is asked for.
            ArgumentError: if info is neither.
        """
        super().__init__(scenario, render_mode)
        self.info = lean_or_full(info)
        self._wire()
        self._board: Board | None = None

    @property
    def episode_key(self) -> EpisodeKey:
        """What the running episode was drawn from."""
        return self._begun().episode.keys[0]

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[Shown, Shown]:
        """Draw an episode, see `TrackEnv.reset`."""
        (key,) = self._sequences.following(seed, options_of(options))
        episode = draw(self.scenario, key)
        if self._board is None:
            self._board = Board(self.scenario, episode)
        else:
            self._board.begin(episode)
        self.agents = self.possible_agents[:]
        seen = self._told(self._board.show())
        return seen, self._infos([0] * len(self.agents))

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[Shown, dict[str, float], dict[str, bool], dict[str, bool], Shown]:
        """Play one step.

        Args:
            actions: agent -> action in its space; an agent left out is missing.

        Raises:
            ResetNeededError: before `reset` or after the end.
            ActionError: if an agent is unknown, or an action has another shape.
        """
        if not self.agents:
            raise ResetNeededError("call reset() first")
        board, agents = self._begun(), self.agents
        self._arrived[:] = False
        for agent, action in by_agent(actions, self._rows).items():
            place, row, shape = self._rows[agent]
            row[:] = floats(f"{agent}: action", action, shape, "fiu")
            self._arrived[place] = True
        seen = self._told(board.play(self._sent, self._heard))
        ended = board.step == self.scenario.steps
        infos = self._infos(board.done.cause[0].tolist())
        if ended:
            self.agents = []
        reward = dict(zip(agents, board.done.reward[0].tolist(), strict=True))
        return seen, reward, dict.fromkeys(agents, ended), dict.fromkeys(agents, False), infos

    def _wire(self) -> None:
        """Room for actions: rows that are written, and read-only views of the same for kernels."""
        sent = [np.array(role.rest[None]) for role in self.roles]
        heard = np.zeros((1, len(self.scenario.agents)), dtype=np.bool_)
        self._sent, self._heard, self._arrived = Sent(*map(fixed, sent)), fixed(heard), heard[0]
        rows = (row for of_role in sent for row in of_role[0])
        self._rows = {
            agent: (place, row, row.shape)
            for place, (agent, row) in enumerate(zip(self.scenario.agents, rows, strict=True))
        }

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what shares memory, which a copy would tear apart."""
        wired = ("_sent", "_heard", "_arrived", "_rows")
        return {name: one for name, one in self.__dict__.items() if name not in wired}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        """Unpickle, or copy."""
        self.__dict__.update(attributes)
        self._wire()

    def _begun(self) -> Board:
        if self._board is None:
            raise ResetNeededError("call reset() first")
        return self._board

    def _told(self, seen: Seen) -> Shown:
        rows = [row for of_role in seen for row in of_role[0]]
        return dict(zip(self.possible_agents, rows, strict=True))

    def _infos(self, causes: list[int]) -> Shown:
        done = self._begun().done
        infos: Shown = {
            agent: {"supervisor": CAUSES[cause]}
            for agent, cause in zip(self.possible_agents, causes, strict=True)
        }
        objectives = zip(OBJECTIVES, done.objectives_eur[0].tolist(), strict=True)
        infos[self.possible_agents[-1]]["objectives"] = dict(objectives)
        if self.info == "full":
            for row, agent in enumerate(self.possible_agents):
                entries = zip(LEDGER_ENTRIES, done.entries_eur[0, row].tolist(), strict=True)
                infos[agent]["ledger_eur"] = dict(entries)
                infos[agent]["price_eur_per_mwh"] = float(done.price_eur_per_mwh[0])
        return infos


def environment(scenario: Scenario, render_mode: str | None, info: str) -> WholesaleEnv:
    """The environment, as the contract asks for it."""
    return WholesaleEnv(scenario, render_mode, info)
