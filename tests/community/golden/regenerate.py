"""Write the golden episodes anew: `python -m tests.community.golden.regenerate`."""

from pathlib import Path

from p2p_market.community import trace
from p2p_market.files import write_text
from p2p_market.registry import load_scenario
from tests.community.golden.recording import record_episode
from tests.every_scenario import COMMUNITY


def golden_path(scenario_id: str) -> Path:
    return Path(__file__).parent / f"{scenario_id}.txt"


if __name__ == "__main__":
    for name in COMMUNITY:
        scenario = load_scenario(name)
        episode, played = record_episode(scenario)
        write_text(golden_path(name), trace.render(scenario, episode, played))
