"""Speed of the trainer `mappo`, beside itself with communities that do nothing.

    python -m tools.measure_rllib

Where the community does nothing, what is left is the library's own cost: moving rows, asking
networks, learning. It takes a minute.
"""

import logging
import time
import warnings
from statistics import median
from typing import Any, Final

import numpy as np
import torch
from ray.tune.registry import register_env
from torch import Tensor

from baselines.learners.mappo.algorithm import ENVIRONMENT, configuration
from baselines.learners.mappo.environment import CommunityRows, Ends, Rows
from baselines.learners.mappo.settings import Cluster
from baselines.learners.mappo.sight import Sight, survey
from baselines.learners.ppo.args import Args
from baselines.learners.ppo.collect import Collector
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.evaluation.running.cluster import LOCAL, connected
from p2p_market.records import Float32Array, FloatArray
from p2p_market.registry import load_scenario

SCENARIO: Final = "community-16-v0"
COMMUNITIES: Final = {"batched": 64, "episodes": 16}
SEGMENTS: Final = 4  # the first of which is not counted


class StillRows(CommunityRows):
    """Rows of a community that stands still."""

    def reset(self, **options: Any) -> tuple[Rows, Rows]:
        """Keep what is seen."""
        self.played, self.shown = 0, super().reset(**options)
        return self.shown

    def step(self, actions: Rows) -> tuple[Rows, Rows, Ends, Ends, Rows]:
        """See it again."""
        self.played += 1
        ended = self.played == self.sight.scenario.steps
        rewards = dict.fromkeys(self.possible_agents, 1.0)
        ends: Ends = dict.fromkeys([*self.possible_agents, "__all__"], ended)
        return self.shown[0], rewards, ends, {"__all__": False}, self.shown[1]


class StillCollector(Collector):
    """Communities that stand still."""

    def begin(self, seed: int, episode: int) -> None:
        """Keep what is seen."""
        super().begin(seed, episode)
        self.played, self.shown = 0, super().rows()

    def rows(self) -> Tensor:
        """See it again."""
        return self.shown

    def _step(self, output: Float32Array) -> tuple[FloatArray, bool]:
        self.played += 1
        ended = self.played % self.batch.scenario.steps == 0
        return np.ones(self.seen.shape[:2]), ended


def measure(path: str, still: bool) -> float:
    """Steps of single agents in a second of processor time, playing and learning."""
    scenario = load_scenario(SCENARIO)
    args = Args(scenario=SCENARIO, communities=COMMUNITIES[path])
    sight = survey(scenario, args)
    config = configuration(sight, Cluster(path=path), seed=1)
    if still:
        register_env(ENVIRONMENT, lambda _: StillRows(sight))
    algorithm = config.build_algo()
    torch.set_num_threads(1)
    if still and path == "batched":
        algorithm.env_runner.collector = _still(sight, algorithm.env_runner.generator)
    seconds = []
    for _ in range(SEGMENTS):
        began = time.process_time()
        algorithm.train()
        seconds.append(time.process_time() - began)
    algorithm.stop()
    steps = round(args.segment_h / scenario.dt_h)
    return float(args.communities * len(scenario.agents) * steps / median(seconds[1:]))


def _still(sight: Sight, generator: torch.Generator) -> StillCollector:
    batch = CommunityBatch(sight.scenario, sight.args.communities)
    return StillCollector(batch, sight.decision, sight.args, generator)


def main() -> None:
    """Measure and print all four."""
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    with connected(LOCAL, 2):
        for path in COMMUNITIES:
            for still in (False, True):
                what = "community that does nothing" if still else SCENARIO
                print(f"{path:9} {what:28} {measure(path, still):9,.0f} agent-steps/CPU s")


if __name__ == "__main__":
    main()
