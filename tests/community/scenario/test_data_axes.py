"""Scenario keys about data: another price year, donors held out, donors by kind."""

import numpy as np
import pytest
import yaml

from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.schema import DynamicContract
from p2p_market.community.scenario.tariff import retail_year
from p2p_market.data import donor_pools, load
from p2p_market.errors import ScenarioError
from p2p_market.registry import load_scenario, parse
from p2p_market.scenarios import scenario_folder
from p2p_market.track import EpisodeKey

HELD_OUT = "held-out-households-v0"


def changed(scenario_id: str, **keys):
    path = scenario_folder() / f"{scenario_id}.yaml"
    return build(parse(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | keys)))


def with_donors(donors: str, load_asset: dict):
    member = {"node": 1, "contract": "dynamic", "assets": [load_asset]}
    return changed(HELD_OUT, donors=donors, members=[member])


def test_another_price_year_changes_prices_and_digest_and_nothing_else():
    plain, crisis = load_scenario("community-16-v0"), load_scenario("crisis-prices-v0")
    assert crisis.data.day_ahead_eur_per_kwh.mean() > 4.0 * plain.data.day_ahead_eur_per_kwh.mean()
    key = choose_key(plain, 0, "test", 3)
    one, other = draw(plain, key), draw(crisis, key)
    assert np.array_equal(one.load_kw, other.load_kw)
    assert np.array_equal(one.pv_kw, other.pv_kw)
    assert np.array_equal(one.co2_kg_per_kwh, other.co2_kg_per_kwh)
    assert not np.array_equal(one.retail_eur_per_kwh, other.retail_eur_per_kwh)
    assert crisis.data.digest != plain.data.digest
    seeds = [changed("crisis-prices-v0", prices=f"synthetic-crisis:{seed}") for seed in (4, 11)]
    assert seeds[0].digest != seeds[1].digest != plain.digest
    with pytest.raises(ScenarioError, match=r"prices .nl20\d\d.: no data set"):
        changed("crisis-prices-v0", prices="nl2031")


def test_a_supplier_passes_nothing_below_the_floor_or_above_the_cap_on():
    market = load("de2018")
    base = {"kind": "dynamic", "factor": 1.0, "adder_eur_per_kwh": 0.0, "feed_in_eur_per_kwh": 0.0}
    bare = retail_year(DynamicContract.model_validate(base), market, 0.001)
    floored = DynamicContract.model_validate(base | {"floor_eur_per_kwh": 0.05})
    assert np.array_equal(retail_year(floored, market, 0.001), np.maximum(bare, 0.05))
    assert bare.min() < 0.0
    capped = DynamicContract.model_validate(base | {"cap_eur_per_kwh": 0.05})
    assert np.array_equal(retail_year(capped, market, 0.001), np.minimum(bare, 0.05))
    assert bare.max() > 0.05
    assert "cap_eur_per_kwh" not in DynamicContract.model_validate(base).model_dump()


def test_pools_are_disjoint_and_hold_every_donor_once():
    for name, kind, sizes in (
        ("de2018", "household", (5, 2, 2)),
        ("de2018", "commercial", (5, 2, 2)),
        ("synthetic", "household", (38, 13, 13)),
    ):
        market = load(name)
        pools = donor_pools(market, kind)
        assert tuple(len(pools[s]) for s in ("train", "validation", "test")) == sizes
        together = [place for pool in pools.values() for place in pool]
        expected = [i for i, donor in enumerate(market.donors) if donor.kind == kind]
        assert sorted(together) == expected
    labels = {
        load("de2018").donors[i].label for i in donor_pools(load("de2018"), "household")["test"]
    }
    assert labels == {"measured", "simulated"}


def test_held_out_donors_appear_in_their_split_only():
    """The load of a household member is a multiple of a day of one of the split's donors."""
    scenario = load_scenario(HELD_OUT)
    for split in ("train", "test"):
        pool = scenario.donor_pools[0][split]
        seen = set()
        for seed in range(12):
            days = draw(scenario, choose_key(scenario, seed, split, seed)).load_kw[:, 0, 0]
            for place, donor in enumerate(scenario.data.donors):
                if donor.kind == "household" and _is_made_of(scenario, place, days, seed):
                    seen.add(place)
        assert seen <= set(pool)
        assert len(seen) > 1


def _is_made_of(scenario, place, load_kw, seed) -> bool:
    """Whether the peaks of inner days are those of days of a donor, to the rounding."""
    peaks = np.round(scenario.demand[0].scale_kw * scenario.data.donors[place].shape.max(axis=1), 3)
    own = load_kw.reshape(7, 96).max(axis=1)
    return np.isclose(own[1:6, None], peaks, rtol=0.0, atol=1e-3).any(axis=1).all()


def test_expectations_know_training_donors_only(monkeypatch):
    scenario = load_scenario(HELD_OUT)
    hidden = {
        i
        for pool in (scenario.donor_pools[0], scenario.donor_pools[-1])
        for s in ("validation", "test")
        for i in pool[s]
    }
    table = np.stack([_mean_shape(scenario, i) for i in scenario.donor_pools[0]["train"]])
    assert scenario.expected_load[0, 0, :, 0] == pytest.approx(table.mean(axis=0), rel=1e-6)
    assert hidden.isdisjoint(scenario.donor_pools[0]["train"])
    key = EpisodeKey("test", 21, 0)
    expected = draw(scenario, key).expected_load_kw[:, 0]
    size = scenario.demand[0].scale_kw / scenario.demand[1].scale_kw
    # Two homes differ by their size alone, each rounded to a watt.
    assert expected[:, 0] == pytest.approx(size * expected[:, 1], abs=1.1e-3)


def _mean_shape(scenario, place):
    from p2p_market.data.calendar import day_type, season, split_mask

    donor = scenario.data.donors[place]
    day = np.arange(len(donor.shape))
    winter = (season(day) == 0) & (day_type((donor.first_weekday + day) % 7) == 0)
    return donor.shape[winter & split_mask("train", len(day))].astype(float).mean(axis=0)


def test_a_kind_without_holding_out_draws_from_all_its_donors():
    scenario = with_donors("known", {"kind": "load", "donor_kind": "farm", "annual_kwh": 9000})
    assert {len(pool) for pool in scenario.donor_pools[0].values()} == {2}


@pytest.mark.parametrize(
    ("donors", "asset", "words"),
    [
        ("held_out", {"donor": "H0-A"}, ["members[0]", "donor_kind"]),
        ("held_out", {"donor_kind": "farm"}, ["members[0]", "too few", "farm"]),
        ("known", {"donor_kind": "castle"}, ["members[0]", "castle", "household"]),
        ("known", {"donor": "H0-A", "donor_kind": "farm"}, ["either donor or donor_kind"]),
        ("known", {}, ["either donor or donor_kind"]),
        ("sometimes", {"donor": "H0-A"}, ["donors", "held_out"]),
    ],
)
def test_impossible_donors_name_the_member(donors, asset, words):
    with pytest.raises(ScenarioError) as caught:
        with_donors(donors, {"kind": "load", "annual_kwh": 3000, **asset})
    for word in words:
        assert word in str(caught.value)


def test_no_shape_serves_two_members_of_the_large_community():
    profiles = [node.profile for node in load_scenario("community-64-v0").demand]
    assert len(profiles) == len(set(profiles)) == 64
