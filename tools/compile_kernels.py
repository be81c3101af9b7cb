"""What a first step compiles, compiled once and kept on disk.

    python -m tools.compile_kernels

Tests in several processes that begin together would each compile it.
"""

from concurrent.futures import ProcessPoolExecutor

from p2p_market.registry import make, read_scenario
from p2p_market.scenarios import scenario_ids
from p2p_market.tracks import TRACKS


def begin(track: str) -> None:
    """Play one step in each shipped scenario of a track."""
    for name in scenario_ids():
        if read_scenario(name).track == track:
            env = make(name)
            env.reset(seed=0)
            env.step({agent: env.action_space(agent).sample() for agent in env.agents})


if __name__ == "__main__":
    with ProcessPoolExecutor() as pool:
        list(pool.map(begin, TRACKS))
