"""Write the lessons of the training weeks of all shipped scenarios."""

import json

from rich.progress import track

from baselines.community.duals.learn import FOLDER, learn
from p2p_market.files import write_bytes
from p2p_market.registry import load_scenario, of_default_track

DIGITS = 4


def main() -> None:
    """Solve thirteen weeks of each scenario."""
    for scenario_id in track(of_default_track(), description="training weeks"):
        scenario = load_scenario(scenario_id)
        learnt = learn(scenario)
        content = {
            "scenario": scenario.digest,
            "hub_eur_per_kwh": learnt.hub_eur_per_kwh.round(DIGITS).tolist(),
        }
        text = json.dumps(content, separators=(",", ":")) + "\n"
        write_bytes(FOLDER / f"{scenario_id}.json", text.encode())


if __name__ == "__main__":
    main()
