"""The wheel alone, in an empty environment far from the checkout: every scenario, and scores."""

import json
import sys

import pytest

from tests.fresh import PINS, ROOT, environment, keep_compiled, run

ABSENT = ["baselines", "report", "leaderboard", "tests", "cvxpy", "pandas", "matplotlib", "torch"]
FIND = "import sys, importlib.util as u; print(*[n for n in sys.argv[1:] if u.find_spec(n)])"
EPISODES = """
import sys, p2p_market
for scenario in sys.argv[1:]:
    env = p2p_market.make(scenario)
    env.reset(seed=0)
    spaces = {agent: env.action_space(agent) for agent in env.agents}
    for seed, space in enumerate(spaces.values()):
        space.seed(seed)
    steps = 0
    while env.agents:
        env.step({agent: spaces[agent].sample() for agent in env.agents})
        steps += 1
    print(scenario, steps)
"""


AGENT = """
import numpy as np


class Idle:
    def __init__(self, scenario):
        self.width = 3

    def start(self, seeds):
        return None

    def act(self, observation, memory):
        return np.zeros((*observation.shape[:2], self.width)), memory
"""


@pytest.mark.long
def test_wheel_alone_plays_and_scores(tmp_path, monkeypatch):
    keep_compiled(tmp_path, monkeypatch)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    scripts = environment(tmp_path, [*PINS, wheel])
    python = scripts / "python"

    assert run(python, "-I", "-c", FIND, *ABSENT, cwd=tmp_path).split() == []

    listed = json.loads(run(scripts / "p2p-market", "scenarios", "--json", cwd=tmp_path))
    shipped = {path.stem for path in (ROOT / "configs" / "scenarios").glob("*.yaml")}
    assert {scenario["id"] for scenario in listed} == shipped != set()

    played = run(python, "-I", "-c", EPISODES, *sorted(shipped), cwd=tmp_path).splitlines()
    steps = dict(line.split() for line in played)
    assert steps.keys() == shipped
    assert all(int(count) > 0 for count in steps.values())

    (tmp_path / "my_agent.py").write_text(AGENT)
    short = ("-s", "classic-v0", "--weeks", "5", "-w", "1")
    command = scripts / "p2p-market"
    shown = run(command, "benchmark", *short, "-o", "all", cwd=tmp_path)
    assert "truthful" in shown
    assert "optimum's certificate holds in 1 of 1 week" in " ".join(shown.split())
    (folder,) = (tmp_path / "all").glob("*-classic-v0")
    assert {"run.json", "metrics.csv", "actions"} <= {path.name for path in folder.iterdir()}
    run(command, "replay", folder, cwd=tmp_path)
    assert "my_agent:Idle" in run(command, "evaluate", "-p", "my_agent:Idle", *short, cwd=tmp_path)
    refused = run(command, "evaluate", "-p", "mpc-alone-warm", *short, cwd=tmp_path, code=2)
    assert "need a checkout of the repository, and there pip install -e" in " ".join(
        refused.split()
    )
