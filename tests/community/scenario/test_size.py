"""Large communities: what members have in common is stored once, and nothing else changes."""

import numpy as np
import pytest

from p2p_market import parallel_env
from p2p_market.assets.sun import clear_sky_fraction
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.members import CLEAR_SKY_SHARE
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.tariff import retail_year
from p2p_market.errors import ScenarioError
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY
from tools.large_communities import grown

SMALL = "community-64-v0"
MEMBERS = 300
PER_MEMBER = (
    "load_kw", "pv_kw", "retail_eur_per_kwh", "feed_in_eur_per_kwh", "ask_floor_eur_per_kwh",
    "bid_cap_eur_per_kwh", "expected_load_kw", "load_spread_kw", "expected_pv_kw", "pv_spread_kw",
    "pv_ceiling_kw", "plugged", "departs", "trip_kwh", "floor_kwh", "hours_left",
)  # fmt: skip


@pytest.mark.parametrize("scenario_id", [SMALL, "community-16-v0", "held-out-households-v0"])
def test_neighbours_that_come_later_change_nothing_for_the_first(scenario_id):
    small, large = load_scenario(scenario_id), grown(scenario_id, MEMBERS)
    key, first = choose_key(small, 0, "test", 4), len(small.agents)
    few, many = draw(small, key), draw(large, key)
    for name in PER_MEMBER:
        own, other = getattr(few, name), getattr(many, name)
        assert np.array_equal(own, other[:, :, :first]), name
    assert np.array_equal(few.start_energy_kwh, many.start_energy_kwh[:, :first])
    assert np.array_equal(few.carbon_eur_per_kwh, many.carbon_eur_per_kwh)
    assert not np.array_equal(many.load_kw[:, :, :first], many.load_kw[:, :, first : 2 * first])


def test_a_large_community_is_played():
    env = parallel_env(grown(SMALL, MEMBERS))
    observations, _ = env.reset(seed=0)
    assert len(observations) == MEMBERS
    idle = {agent: np.zeros(env.action_space(agent).shape, np.float32) for agent in env.agents}
    observations, rewards, *_ = env.step(idle)
    assert all(row in env.observation_space(agent) for agent, row in observations.items())
    assert np.isfinite(list(rewards.values())).all()


def test_what_members_share_is_stored_once():
    small, large = load_scenario(SMALL), grown(SMALL, MEMBERS)
    for name in ("clear_sky_fraction", "retail_eur_per_kwh", "feed_in_eur_per_kwh"):
        assert np.array_equal(getattr(small, name), getattr(large, name))
    looks = {(roof.tilt_deg, roof.azimuth_deg) for roof in small.roofs if roof is not None}
    assert small.clear_sky_fraction.shape[1] == len(looks)
    assert small.retail_eur_per_kwh.shape[1] == len(small.spec.contracts)
    assert large.donor_pools[0] is large.donor_pools[64]


@pytest.mark.parametrize("scenario_id", COMMUNITY)
def test_every_member_has_its_own_sky_and_prices(scenario_id):
    scenario = load_scenario(scenario_id)
    spec, data = scenario.spec, scenario.data
    hours = np.arange(0.5, len(data.solar_clearness)) / 4.0 + (1.0 - data.utc_offset_h)
    clear_kw, peak_kw = scenario.clear_sky_kw(slice(None)), scenario.clear_sky_peak_kw
    for agent, (member, roof) in enumerate(zip(spec.members, scenario.roofs, strict=True)):
        expected = np.zeros(len(hours))
        if roof is not None:
            place = (spec.site.latitude_deg, spec.site.longitude_deg)
            fraction = clear_sky_fraction(*place, roof.tilt_deg, roof.azimuth_deg, hours)
            expected = CLEAR_SKY_SHARE * roof.scale_kw * fraction
        assert np.array_equal(clear_kw[:, agent], expected)
        assert peak_kw[agent] == expected.max()
        prices = retail_year(spec.contracts[member.contract], data, spec.tick_eur_per_kwh)
        own = scenario.retail_eur_per_kwh[:, scenario.contract_of[agent]]
        assert np.array_equal(own, prices)


@pytest.mark.parametrize("members", [6, 60])
def test_the_gain_of_resale_is_that_of_the_best_pair(members):
    """By fees of contracts instead of pairs of members, and no other number."""
    scenario = grown("resale-6-v0", members)
    retail = scenario.retail_eur_per_kwh[:, scenario.contract_of]
    feed_in, fee = (
        scenario.feed_in_eur_per_kwh[0, scenario.contract_of],
        scenario.network_fee_eur_per_kwh,
    )
    pairs = [(i, j) for i in np.flatnonzero(scenario.has_storage) for j in range(members)]
    buying = max((retail[:, j] - retail[:, i]).max() - fee[i] - fee[j] for i, j in pairs)
    selling = max(feed_in[i] - feed_in[j] - fee[i] - fee[j] for i, j in pairs)
    gain = max(buying, selling, feed_in.max() - retail.min())
    assert gain > 0.0
    with pytest.raises(ScenarioError, match=f"gain of {gain:.4f} EUR/kWh"):
        build(scenario.spec.model_copy(update={"optimum": "linear"}))


def test_a_feed_in_tariff_above_retail_names_the_first_member_and_quarter():
    spec = load_scenario("community-16-v0").spec
    cheap = spec.contracts["business"].model_copy(update={"feed_in_eur_per_kwh": 0.5})
    with pytest.raises(ScenarioError) as caught:
        build(spec.model_copy(update={"contracts": spec.contracts | {"business": cheap}}))
    scenario = load_scenario("community-16-v0")
    agent = next(i for i, member in enumerate(spec.members) if member.contract == "business")
    own = scenario.retail_eur_per_kwh[:, scenario.contract_of[agent]]
    quarter = int(np.flatnonzero(own < 0.5)[0])
    for words in (f"prosumer_{agent}: ", f"retail {own[quarter]:.3f} ", f"quarter {quarter} of"):
        assert words in str(caught.value)
