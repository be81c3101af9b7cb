"""What a scenario with a voltage may not say; what is measured of the line; who plans with it."""

import numpy as np
import pytest

from baselines.community.mpc.foresight import foresight
from baselines.community.mpc.policy import community as mpc_community
from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.line_metrics import line_metrics
from p2p_market.community.rules.policy import truthful
from p2p_market.community.rules.random_actions import uniform
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.rollout import rollout
from tests.community.voltage.lines import BINDING, PRICED, RUN, line, values

pytestmark = RUN

OUTAGES = {"windows": 1, "hours": [1, 2]}
CUT = {"limit_kw": 500, "mode": "binding"}


def read(voltage, **changes):
    return build(validated(values(voltage, **changes), "line.yaml"))


@pytest.mark.parametrize(
    ("voltage", "changes", "told"),
    [
        ({"source_pu": 1.05}, {}, "the source must lie in the band"),
        ({"eur_per_pu_h": 0.0}, {}, "raise it, or `report`"),
        ({"mode": "report", "reactive": "agent"}, {}, "needs mode `priced` or `binding`"),
        ({}, {"outages": OUTAGES}, "nothing holds the voltage"),
        ({}, {"feeder": CUT}, "each would cut what the other has left"),
        ({"mode": "priced", "reactive": "agent"}, {"feeder": CUT}, "cuts PV, whose inverters"),
    ],
)
def test_what_does_not_hold_together_is_refused(voltage, changes, told):
    without = {"members": values()["members"]}
    for member in without["members"]:  # vehicles are refused with cuts, for another reason
        member["assets"] = [a for a in member["assets"] if a["kind"] != "electric_vehicle"]
    with pytest.raises(ScenarioError, match=told):
        read({**BINDING, **voltage}, **changes, **without)


def test_a_price_at_which_burning_pays_is_refused():
    read(PRICED)
    with pytest.raises(ScenarioError, match="or burning energy pays"):
        read({**PRICED, "eur_per_pu_h": 400.0})


def test_least_loads_are_refused_where_the_band_binds():
    members = values()["members"]
    pump = {"kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25, "least_share": 0.3}
    members[3]["assets"].append(pump)
    changes = {"members": members, "optimum": "mixed_integer"}
    with pytest.raises(ScenarioError, match=r"prosumer_3, device 0: a least load of 1.8 kW"):
        read(BINDING, **changes)
    read({**PRICED, "eur_per_pu_h": 1.0}, **changes)


def test_a_band_that_rest_itself_leaves_is_refused_at_reset():
    scenario = read({**BINDING, "band_pu": [0.995, 1.005]})
    with pytest.raises(ScenarioError, match=r"pu at step \d+ with all devices at rest"):
        draw(scenario, choose_key(scenario, 0, "test", 6))
    narrow = read({**PRICED, "band_pu": [0.995, 1.005]})
    draw(narrow, choose_key(narrow, 0, "test", 6))


def test_what_is_measured_of_the_line():
    scenario = line("binding")
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    wild, tame = (
        line_metrics(scenario, episode, rollout(scenario, episode, one(scenario), ""))
        for one in (uniform, truthful)
    )
    assert 0.0 < wild["loading_p99"].item() < 1.0
    assert 0.98 < wild["voltage_low"].item() < 0.995
    assert 1.0 < wild["voltage_high"].item() <= 1.012
    assert wild["pulled"].item() > 10.0
    assert 0.0 < wild["outside"].item() < 0.05  # vehicles that must charge, and nobody else
    assert tame["pulled"].item() < 0.1 * wild["pulled"].item()
    none = line("none")
    assert line_metrics(none, episode, rollout(none, episode, truthful(none), "")) == {}


def test_mpc_community_plans_with_the_band_and_reactive_power():
    scenario = line("agent")
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    played = rollout(scenario, episode, mpc_community(scenario), "mpc")
    assert not played.cause.any()
    assert np.abs(played.series["reactive_kvar"]).max() > 0.5
    assert played.series["pulled_kw"].sum() < 1.0
    seeing = foresight(scenario, horizon_h=48.0).informed(episode)
    best = rollout(scenario, episode, seeing, "foresight").social_cost_eur.item()
    assert best == pytest.approx(optimum(scenario).plan(episode).objective_eur, abs=1e-6)
    assert played.social_cost_eur.item() > best
