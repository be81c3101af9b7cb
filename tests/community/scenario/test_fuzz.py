"""No third outcome: a scenario file is refused in one sentence, or it plays and its optimum holds.

`P2P_MARKET_FILES=10000` draws more of them.
"""

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pytest
import yaml
from gymnasium.spaces import Box
from hypothesis import event, given, settings
from hypothesis import strategies as st

from p2p_market.community.envs.env import box_of
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features
from p2p_market.community.records import LARGEST, LEDGER_COLUMN
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.benchmark import Yardstick
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.players.policy import Policy, load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.records import Float32Array
from p2p_market.registry import parse
from tests.community.scenario.drawing import NO_CAR, SMALL, files, spoiled_files

pytest.importorskip("cvxpy")

EXAMPLES: Final = int(os.environ.get("P2P_MARKET_FILES", "200"))
SOLVED: Final = 120  # agent-steps up to which the optimum is asked


def outcome(text: str, week: int) -> str:
    """What becomes of a file; anything else raises."""
    try:
        scenario = build(parse(text), "drawn.yaml")
    except ScenarioError as error:
        said = str(error)
    else:
        return certified(scenario, week)
    assert "\n" not in said
    assert len(said) < 1500
    return "refused"


def certified(scenario: Scenario, week: int) -> str:
    """Played by rules and noise, and by its optimum where that is quick."""
    play(scenario, week)
    if scenario.steps * len(scenario.agents) > SOLVED:
        return "played"
    episode = draw(scenario, choose_key(scenario, week, "test", week))
    certificate, _ = certify(scenario, episode, Yardstick(scenario).plan(episode))
    assert certificate.holds, str(certificate)
    return "certified"


@dataclass(frozen=True)
class Watched:
    """A policy whose observations must lie in their space."""

    policy: Policy
    space: Box

    def start(self, seeds: Sequence[int]) -> Any:
        return self.policy.start(seeds)

    def act(self, seen: Float32Array, memory: Any) -> tuple[Any, Any]:
        outside = (seen < self.space.low) | (seen > self.space.high) | ~np.isfinite(seen)
        assert not outside.any(), np.argwhere(outside)[0]
        return self.policy.act(seen, memory)


def play(scenario: Scenario, week: int) -> None:
    """Rule, truthful bids and noise: invariants hold, ledgers add up, no sound rule is held."""
    episode = draw(scenario, choose_key(scenario, week, "test", week))
    space = box_of(features(scenario))
    for name in ("no-trade", "truthful", "random"):
        policy = Watched(load_policy(name, scenario), space)
        played = rollout(scenario, episode, policy, name, strict=True)
        paid = played.entries_eur[..., LEDGER_COLUMN["p2p_payment"]].sum(axis=2)
        assert np.isfinite(played.entries_eur).all()
        assert np.isfinite(played.reward).all()
        assert np.isfinite(played.social_cost_eur).all()
        if scenario.spec.mechanism != "mcafee":  # whose operator keeps a balance
            assert np.abs(paid).max() <= 1e-5
        assert scenario.spec.faults is not None or not played.cause.any(), name


@pytest.mark.compiled
@settings(max_examples=EXAMPLES)
@given(text=st.one_of(files(), files(), spoiled_files()), week=st.integers(0, 12))
def test_a_file_is_refused_in_a_sentence_or_it_plays(text, week):
    event(outcome(text, week))


DEAR: Final = {"lost_load_eur_per_kwh": 1e7, "shortfall_eur_per_kwh": 1e7}
EXTREME: Final = {
    "highest price": {"price_max_eur_per_kwh": LARGEST} | DEAR,
    "a day without the grid": {
        "members": NO_CAR, "outages": {"windows": 1, "hours": [24.0, 24.0]}
    } | DEAR,
    "a line of a watt": {"feeder": {"limit_kw": 0.001, "overload_eur_per_kwh": 0.04}},
    "a binding line of a watt": {
        "members": NO_CAR, "feeder": {"limit_kw": 0.001, "mode": "binding"},
        "optimum": "mixed_integer",
    },
    "the finest tick": {"tick_eur_per_kwh": 1e-6},
    "faults everywhere": {"faults": {"per_agent_day": 96.0, "hours": [168.0, 168.0]}},
    "one member": {"members": SMALL["members"][:1]},
    "largest weights": {"reward": {"carbon_weight": 1e3, "filter_penalty_eur_per_kwh": 10.0}},
}  # fmt: skip
LARGE: Final = {"capacity_kwh": 1e6, "power_kw": 1e5}
DEVICES: Final = {
    "large battery": (0, 2, LARGE),
    "tiny battery": (0, 2, {"capacity_kwh": 0.001, "power_kw": 1e5}),
    "lossy battery": (0, 2, {"eta_charge": 0.1, "eta_discharge": 0.1, "leak_per_h": 1.0}),
    "dear battery": (0, 2, {"degradation_eur_per_kwh": 10.0}),
    "large vehicle": (1, 1, LARGE | {"discharge_power_kw": 1e5, "target_soc": 1.0}),
    "tiny vehicle": (1, 1, {"capacity_kwh": 1.0, "power_kw": 0.001, "target_soc": 0.05}),
    "vehicle between watt-hours": (1, 1, {"capacity_kwh": 50.0006, "target_soc": 1.0}),
    "large load": (2, 0, {"annual_kwh": 1e8}),
    "tiny load": (2, 0, {"annual_kwh": 1e-3}),
}
"""Member and place of a device, and its parameters."""


@pytest.mark.compiled
@pytest.mark.parametrize("case", [*EXTREME, *DEVICES])
def test_the_ends_of_the_ranges_play_and_are_certified(case):
    content = copy.deepcopy(SMALL | EXTREME.get(case, {}))
    if case in DEVICES:
        member, place, parameters = DEVICES[case]
        content["connection_limit_kw"] = 1e5
        content["members"][member]["assets"][place] |= parameters
    assert outcome(yaml.safe_dump(content), week=3) == "certified"


@pytest.mark.compiled
@pytest.mark.parametrize("peak_kw", [0.001, 0.02, 0.6])
def test_a_small_roof_is_not_taken_for_a_stuck_sensor(peak_kw):
    """Rounded to a watt it may rightly say the same for hours."""
    content = copy.deepcopy(SMALL) | {"days": 7, "dt_h": 0.25}
    content["members"][0]["assets"][1]["peak_kw"] = peak_kw
    scenario = build(parse(yaml.safe_dump(content)))
    episode = draw(scenario, choose_key(scenario, 2, "test", 2))
    played = rollout(scenario, episode, load_policy("no-trade", scenario), "no-trade")
    assert not played.cause.any()
