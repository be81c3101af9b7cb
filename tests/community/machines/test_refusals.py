"""What a scenario with machines may not say, each with who, what and how to mend."""

import pytest

from p2p_market.community.scenario.scenario import build, validated
from p2p_market.errors import ScenarioError
from tests.community.machines.zoo import content


def with_device(name, optimum=None, **parameters):
    values = content(name)
    values["members"][0]["assets"][-1] |= parameters
    if optimum:
        values["optimum"] = optimum
    return build(validated(values, "zoo.yaml"))


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("heat_pump", {"missing_eur_per_kwh": 0.1}, "missing energy costs 0.1 EUR/kWh, less than"),
        ("heat_pump", {"terminal_eur_per_kwh": 0.1}, "above its lowest price"),
        ("biogas_chp", {"terminal_eur_per_kwh": 0.01}, "below the 0.1255 that it earns"),
        ("biogas_chp", {"least_share": 0.5}, "need `optimum: mixed_integer`"),
        ("heat_pump", {"building": "castle"}, "no building 'castle'"),
        ("heated_room", {"high_c": 20.0}, "must be above low_c"),
        ("lead_acid", {"leak_per_h": 0.01, "outdoor": True}, "a leak and a least level cannot be"),
    ],
)
def test_impossible_machines_are_refused_with_the_number(name, parameters, told):
    with pytest.raises(ScenarioError, match=told):
        with_device(name, **parameters)


def test_a_start_that_could_never_happen_is_refused():
    with pytest.raises(ScenarioError, match="it could never start"):
        with_device("biogas_ramp", least_share=0.5)
    with pytest.raises(ScenarioError, match="any trickle would be a start"):
        with_device("biogas_least", least_share=0.0, start_eur=1.0)


def test_a_pump_that_would_pay_while_water_runs_over_is_refused():
    values = content("pumped", feeder={"limit_kw": 500, "overload_eur_per_kwh": 0.12})
    values["members"][0]["assets"][-1]["mean_m3s"] = 0.08
    with pytest.raises(ScenarioError, match=r"0\.12 is above the feed-in tariff 0\.1, so charging"):
        build(validated(values, "zoo.yaml"))


def test_a_binding_feeder_carries_what_levels_force():
    values = content("heat_pump", feeder={"limit_kw": 38, "mode": "binding"})
    with pytest.raises(ScenarioError, match=r"draw up to 38\.043 kW, above the 38 kW"):
        build(validated(values, "zoo.yaml"))


def test_a_machine_that_gains_by_running_needs_whole_numbers_at_a_binding_feeder():
    values = content("biogas_chp", feeder={"limit_kw": 40, "mode": "binding"})
    with pytest.raises(ScenarioError, match="cutting PV in its place would pay"):
        build(validated(values, "zoo.yaml"))
