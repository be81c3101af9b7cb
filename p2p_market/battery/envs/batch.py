"""Many fleets of one scenario at once: arrays in, arrays out, automatic reset."""

from p2p_market.battery.envs.board import Board
from p2p_market.battery.scenario import Scenario
from p2p_market.kit.batch import TrackBatch


def fleets(scenario: Scenario, batch: int, threads: int = 1, split: str = "train") -> TrackBatch:
    """A batch that is stepped by one compiled call, see `TrackBatch`."""
    return TrackBatch(scenario, batch, threads, split, board=Board)
