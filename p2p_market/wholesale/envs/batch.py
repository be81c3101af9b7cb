"""Many power systems of one scenario at once: arrays in, arrays out, automatic reset."""

from p2p_market.kit.joint import JointBatch
from p2p_market.records import Joint
from p2p_market.wholesale.actions import Sent
from p2p_market.wholesale.envs.board import Board, everyone
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.scenario import Scenario


class Systems(Board):
    """A board whose actions and observations are named by role."""

    def __init__(self, scenario: Scenario, episode: Episode) -> None:
        """Begin before the first step."""
        super().__init__(scenario, episode)
        self._everyone = everyone(scenario, episode.batch)

    def act(self, actions: Joint) -> Joint:
        """Play one step; observations after it."""
        return self.play(Sent(*(actions[role] for role in ROLES)), self._everyone)._asdict()

    def look(self) -> Joint:
        """Observations of this moment."""
        return self.show()._asdict()


def systems(scenario: Scenario, batch: int, threads: int = 1, split: str = "train") -> JointBatch:
    """A batch that is stepped by one compiled call, see `JointBatch`.

    Args:
        threads: ignored; all are played by one call.
    """
    return JointBatch(scenario, batch, split, Systems)
