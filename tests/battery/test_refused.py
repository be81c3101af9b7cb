"""Files that are refused, with file, line and field."""

from pathlib import Path

import pytest
import yaml

from p2p_market.errors import ScenarioError
from p2p_market.registry import load_scenario, read_scenario
from p2p_market.scenarios import fetched_ids, scenario_ids

FETCHED = Path(__file__).resolve().parents[2] / "configs" / "scenarios" / "fetched"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"capacity": 3}, "capacity"),
        ({"dt_h": 0.5}, "must be 1.0 or 0.25 hours"),
        ({"prices": "de2019"}, "prices 'de2019'"),
        ({"dam_gate_hour": 15}, "bids close before results are published"),
        ({"batteries": [{"capacity_mwh": 1.0, "power_mw": 1.0, "soc_start": 0.99}]}, "this order"),
        ({"batteries": []}, "batteries"),
        ({"mfrr": "often"}, "mfrr"),
        ({"ladder_eur_per_mw2": -1.0}, "ladder_eur_per_mw2"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, changes, words):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"extends": "battery-146-v0", "id": "mine-v0", **changes}))
    with pytest.raises(ScenarioError, match=words) as refused:
        load_scenario(file)
    assert "mine.yaml" in str(refused.value)


def test_a_scenario_that_needs_fetched_prices_has_an_id_and_is_not_in_the_list(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("P2P_MARKET_DATA", str(tmp_path))
    (name,) = fetched_ids()
    assert name == "battery-146-nl2024-v0"
    assert name not in scenario_ids()
    assert read_scenario(name).prices == "nl2024"
    with pytest.raises(ScenarioError, match="p2p-market data fetch nl2024"):
        load_scenario(name)
    with pytest.raises(ScenarioError, match=f"did you mean {name}"):
        load_scenario("battery-146-nl2024")


def test_prices_that_are_not_fetched_say_how(tmp_path, monkeypatch):
    monkeypatch.setenv("P2P_MARKET_DATA", str(tmp_path))
    file = tmp_path / "mine.yaml"
    values = {"extends": str(FETCHED / "battery-146-nl2024-v0.yaml"), "id": "mine-v0"}
    file.write_text(yaml.safe_dump({**values, "prices": "nl2016"}))
    with pytest.raises(ScenarioError, match="p2p-market data fetch nl2016"):
        load_scenario(file)
