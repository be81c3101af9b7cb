"""Write the golden episodes anew: `python -m tests.golden.regenerate`."""

from pathlib import Path

from p2p_market.evaluation import trace
from p2p_market.evaluation.files import write_text
from p2p_market.scenario import load_scenario, scenario_ids


def golden_path(scenario_id: str) -> Path:
    return Path(__file__).parent / f"{scenario_id}.txt"


if __name__ == "__main__":
    for name in scenario_ids():
        scenario = load_scenario(name)
        episode, played = trace.record_episode(scenario)
        write_text(golden_path(name), trace.render(scenario, episode, played))
