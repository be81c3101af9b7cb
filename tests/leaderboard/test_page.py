"""The leaderboard's page: its columns are those of the code, and its export makes a package."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from baselines.learners.ppo.decision import KINDS
from leaderboard.season.boards import open_now
from leaderboard.season.season import of_all_seasons
from leaderboard.tracks import track_name
from p2p_market.community.observation import features
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.registry import load_scenario
from tests.leaderboard.test_verbs import run

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "leaderboard.md").read_text("utf-8")
(TABLE,) = re.findall(r"^\| column \| unit \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, flags=re.MULTILINE)
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE.splitlines()]
SHOWN = re.findall(r"^```python from=\S+export_network.py\n(.*?)^```", PAGE, flags=re.M | re.S)
LIMITS = ("lowest", "by_rule", "highest")
UNITS = {"other_stored": "kWh", "other_capacity": "kWh"} | dict.fromkeys(LIMITS, "kW")
"""Of the columns that no observation has."""


def told(decision, devices):
    """Columns of a decision as the page tells them, in order, each with its unit."""
    if decision == "around_contracting":  # as with `full`, and three behind it
        return told("full", devices) + [(name, UNITS[name]) for name in LIMITS]
    found, again = [], []
    for names, unit, _, of in ROWS:
        if of.strip("`") not in ("both", decision):
            continue
        for name in re.findall(r"`(\w+)`", names):
            (again if name.endswith(("_Nh", "_K")) else found).append((name, unit))
            if name in ("retail_in_Nh", "target_soc_K"):
                every = HORIZONS_H if name.endswith("h") else range(devices)
                found += [
                    (each.replace("N", str(n)).replace("_K", f"_{n}"), own)
                    for n in every
                    for each, own in again
                ]
                again = []
    return found


@pytest.mark.parametrize("decision", KINDS)
@pytest.mark.parametrize("scenario_id", ["classic-v0", "community-16-v0", "ev-12-v0"])
def test_the_table_names_every_column_with_its_unit(decision, scenario_id):
    scenario = load_scenario(scenario_id)
    made, known = KINDS[decision](scenario), {one.name: one.unit for one in features(scenario)}
    known |= {name.removesuffix("_0"): unit for name, unit in known.items()} | UNITS
    found = told(decision, scenario.nodes.present.shape[1])
    assert [name for name, _ in found] == list(made.names)
    assert [unit for _, unit in found] == [known[name] for name in made.names]


def test_the_export_of_the_page_makes_a_package(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    run("init", "my-agent")
    before = (tmp_path / "my-agent" / "policy.onnx").read_bytes()
    script = (HERE / "export_network.py").read_text("utf-8")
    assert "\n".join(SHOWN).split() == script.split()
    learnt = "\nassert loss < 0.5 * wanted.square().mean(), loss\n"
    subprocess.run([sys.executable, "-W", "ignore", "-c", script + learnt], check=True)
    assert (tmp_path / "my-agent" / "policy.onnx").read_bytes() != before
    assert run("pack", "my-agent")[0] == 0
    code, said = run("check", "my-agent.zip")
    assert code == 0, said
    assert "policy.onnx: 3299 parameters" in said
    assert "plays in binding-feeder-v0" in said


def test_full_does_not_play_on_all_boards_and_the_other_decision_does():
    for decision, fits in (("around_rule", 1), ("full", 2)):
        boards = [board for board in of_all_seasons() if track_name(board) == "community"]
        made = {KINDS[decision](load_scenario(board)).names for board in boards}
        assert len(made) == fits
    assert "a network for `community-16-v0` does not play in `ev-12-v0`" in PAGE


def test_the_page_says_that_no_season_is_open_as_long_as_that_is_so():
    running = open_now()
    for page in ("README.md", "docs/leaderboard.md", "docs/first-score.md"):
        said = "No season is open now" in (HERE.parents[1] / page).read_text("utf-8")
        assert said == (running == []), page


def test_every_setting_of_a_rule_is_explained():
    from leaderboard.tracks.community import rules

    for kind in (rules.Truthful, rules.StorageValue):
        for name in kind.model_fields.keys() - {"rule"}:
            assert f"`{name}`, " in PAGE
    assert json.dumps(rules.REACH)[0] == "4"
