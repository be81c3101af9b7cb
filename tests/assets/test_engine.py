"""What engines have in common, whatever they burn."""

import math

import pytest

from p2p_market.assets.biogas_chp import biogas_chp
from p2p_market.assets.heat_chp import heat_chp
from p2p_market.assets.wood_chp import wood_chp

ENGINES = {
    "biogas": (biogas_chp, {"inflow_kw": 35.0}, 0.38),
    "wood": (wood_chp, {}, 0.28),
    "heat": (heat_chp, {}, 0.5),  # 0.30 of power per 0.60 of heat
}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_what_its_owner_says(name):
    make, own, eta = ENGINES[name]
    node = make(
        power_kw=30.0, store_kwh=400.0, least_share=0.5, start_eur=2.0, ramp_kw_per_h=5.0,
        wear_eur_per_kwh=0.03, terminal_eur_per_kwh=0.02, maintenance_h=8.0, maintenance_by_day=3,
        **own,
    )  # fmt: skip
    assert (node.power_min_kw, node.power_max_kw, node.energy_max_kwh) == (-30.0, 0.0, 400.0)
    assert (node.discharge_on_kw, node.start_eur, node.ramp_kw_per_h) == (15.0, 2.0, 5.0)
    assert (node.degradation_eur_per_kwh, node.terminal_eur_per_kwh) == (0.03, 0.02)
    assert (node.maintenance_h, node.maintenance_by_day) == (8.0, 3)
    assert node.eta_discharge == pytest.approx(eta)


@pytest.mark.parametrize("name", ENGINES)
def test_without_a_word_it_runs_at_any_load_at_any_speed_and_is_never_in_maintenance(name):
    make, own, _ = ENGINES[name]
    node = make(power_kw=30.0, store_kwh=400.0, **own)
    assert (node.discharge_on_kw, node.start_eur, node.ramp_kw_per_h) == (0.0, 0.0, math.inf)
    assert (node.maintenance_h, node.maintenance_by_day) == (0.0, 0)
