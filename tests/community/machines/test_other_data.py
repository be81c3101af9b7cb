"""Machines on invented data, and what those lack."""

import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.data import weather
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.ends.certificate import certify
from tests.community.machines.zoo import content

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all


def invented(name):
    """The community of a machine on invented data, whose donors have other names."""
    values = content(name, data="synthetic:3")
    for member in values["members"]:
        member["assets"][0] = {"kind": "load", "donor_kind": "household", "annual_kwh": 20000}
    return build(validated(values, "zoo.yaml"))


@pytest.mark.parametrize(
    "name", ["heat_pump", pytest.param("wind_turbine", marks=pytest.mark.slow)]
)
def test_invented_weather_moves_devices(name):
    scenario = invented(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, str(certificate)


@pytest.mark.parametrize(
    ("name", "series"),
    [("reservoir", "river_fraction"), ("run_of_river", "river_fraction"),
     ("wind_turbine", "wind_rank"), ("heat_pump", "temperature_c")],
)  # fmt: skip
def test_what_a_set_lacks_is_refused_by_the_name_of_the_series(name, series, monkeypatch):
    without = weather.Weather("bare", "", {}, {}, ())
    monkeypatch.setattr(weather, "load", lambda _: without)
    with pytest.raises(ScenarioError, match=f"'bare' has no series '{series}'"):
        invented(name)
