"""Scenario files: what is refused, and that the message names the place and the mend."""

import copy

import numpy as np
import pytest
import yaml

from p2p_market import make, parallel_env
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.registry import load_scenario, parse
from p2p_market.scenarios import scenario_folder
from tests.every_scenario import COMMUNITY

IDS = COMMUNITY


def source(scenario_id: str = "community-16-v0") -> dict:
    path = scenario_folder() / f"{scenario_id}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def changed(*path_and_value, scenario_id: str = "community-16-v0") -> str:
    """The text of a scenario file with one value replaced."""
    *path, last, value = path_and_value
    content = copy.deepcopy(source(scenario_id))
    place = content
    for step in path:
        place = place[step]
    place[last] = value
    return yaml.safe_dump(content)


@pytest.mark.parametrize("scenario_id", IDS)
def test_the_file_is_named_after_its_id(scenario_id):
    assert load_scenario(scenario_id).spec.id == scenario_id


def test_no_two_scenarios_are_alike():
    """Not in what is played, and not only in the members' names."""
    described = {"id", "title", "description"}
    played = [load_scenario(name).spec.model_dump_json(exclude=described) for name in COMMUNITY]
    assert len(set(played)) == len(played)


def test_a_scenario_file_of_ones_own_is_loaded_by_path(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(changed("id", "mine-v0"))
    env = parallel_env(load_scenario(path))
    assert env.scenario.spec.id == "mine-v0"
    assert env.scenario.digest != load_scenario("community-16-v0").digest


def test_a_changed_file_may_not_keep_a_published_id(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(changed("k", 0.4))
    with pytest.raises(ScenarioError, match="published"):
        load_scenario(path)


def test_a_member_has_at_most_one_vehicle():
    car = {"kind": "electric_vehicle", "capacity_kwh": 50, "power_kw": 11}
    with pytest.raises(ScenarioError, match="more than one electric vehicle"):
        build(parse(changed("members", 3, "assets", [LOAD, car, car])))


def test_an_unknown_id_lists_the_known_ones():
    with pytest.raises(ScenarioError, match="community-16-v0"):
        make("community-17-v0")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("id", "Community 16"), ["id", "pattern"]),
        (("colour", "blue"), ["colour", "no such key"]),
        (("dt_h", 0.3), ["dt_h", "0.25"]),
        (("days", 8), ["days"]),
        (("k", 1.5), ["k", "less than or equal to 1"]),
        (("price_max_eur_per_kwh", float("nan")), ["price_max_eur_per_kwh"]),
        (("members", []), ["members"]),
        (("members", 2, "contract", "barter"), ["members[2].contract", "standard"]),
        (("contracts", "standard", "kind", "gift"), ["contracts.standard"]),
        (("feeder", "mode", "soft"), ["feeder.mode", "penalty", "binding"]),
    ],
)
def test_a_broken_schema_names_file_and_field(change, words):
    with pytest.raises(ScenarioError) as caught:
        parse(changed(*change), name="mine.yaml")
    for word in ["mine.yaml", *words]:
        assert word in str(caught.value)


def test_a_file_may_extend_a_shipped_scenario():
    text = "{extends: community-16-v0, id: mine-v0, title: Mine, fees: {level: full}}"
    spec, base = parse(text), load_scenario("community-16-v0").spec
    assert (spec.id, spec.fees.level) == ("mine-v0", "full")
    assert spec.members == base.members
    with pytest.raises(ScenarioError, match="nowhere-v0"):
        parse("{extends: nowhere-v0, id: mine-v0}")


def test_text_that_is_not_yaml():
    with pytest.raises(ScenarioError, match="not valid YAML"):
        parse("{")


BATTERY = {"kind": "battery", "capacity_kwh": 5, "power_kw": 3}
LOAD = {"kind": "load", "donor": "H0-A", "annual_kwh": 3000}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("mechanism", "barter"), ["mechanism", "k_double_auction"]),
        (("members", 3, "node", 99), ["members[3].node", "0 to 98"]),
        (("members", 3, "assets", [{"kind": "yacht"}]), ["members[3].assets[0]", "battery"]),
        (("members", 3, "assets", [BATTERY]), ["members[3]", "one load"]),
        (("members", 3, "assets", [LOAD, LOAD]), ["members[3]", "one load"]),
        (("members", 3, "assets", 0, "donor", "H0-Z"), ["members[3]", "H0-Z", "H0-A"]),
        (("members", 3, "assets", 2, "power_kw", -1), ["members[3].assets[2]", "power_kw"]),
        (("contracts", "standard", "feed_in_eur_per_kwh", 0.4), ["prosumer_0", "lower"]),
        (("price_max_eur_per_kwh", 0.2), ["price_max_eur_per_kwh", "raise"]),
        (("lost_load_eur_per_kwh", 0.5), ["lost_load_eur_per_kwh"]),
        (("terminal_value_eur_per_kwh", 0.05), ["terminal_value_eur_per_kwh", "between"]),
        (("terminal_value_eur_per_kwh", 0.5), ["terminal_value_eur_per_kwh", "between"]),
        (("contracts", "business", "adder_eur_per_kwh", 0.30), ["resell"]),
        (("contracts", "older_roof", "feed_in_eur_per_kwh", 0.145), ["resell"]),
        (("feeder", "overload_eur_per_kwh", 0.2), ["overload_eur_per_kwh", "burning"]),
        (("data", "atlantis"), ["atlantis", "de2018"]),
    ],
)
def test_a_broken_rule_of_the_market_says_what_to_mend(change, words):
    from p2p_market.errors import P2PMarketError

    with pytest.raises(P2PMarketError) as caught:
        build(parse(changed(*change)))
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_track_is_named():
    with pytest.raises(ScenarioError, match="community"):
        parallel_env(build(parse(changed("track", "casino"))))


def test_a_connection_too_small_for_the_house_is_refused():
    with pytest.raises(ScenarioError, match=r"prosumer_\d+ may draw .* connection_limit_kw"):
        build(parse(changed("connection_limit_kw", 2.0)))
    with pytest.raises(ScenarioError, match=r"prosumer_\d+ may feed in .* connection_limit_kw"):
        build(parse(changed("connection_limit_kw", 16.0)))


def test_a_community_without_storage_loads():
    content = source()
    for member in content["members"]:
        member["assets"] = [a for a in member["assets"] if a["kind"] != "battery"]
    scenario = build(parse(yaml.safe_dump(content)))
    assert not scenario.has_storage.any()
    env = parallel_env(scenario)
    env.reset(seed=0)
    env.step({agent: np.ones(3, np.float32) for agent in env.agents})
    pytest.importorskip("cvxpy")
    short = build(scenario.spec.model_copy(update={"days": 1}))
    result = evaluate(short, ["truthful"], weeks=[5])
    assert result.certified
    assert result.rows[1].score.point == pytest.approx(100.0, abs=1e-3)  # nothing to dispatch


def test_fees_grow_with_the_distance_and_lie_on_ticks():
    scenario = build(parse(changed("fees", "level", "full")))
    fee, tick = scenario.network_fee_eur_per_kwh, scenario.spec.tick_eur_per_kwh
    distance = scenario.data.feeder.distance_km[scenario.data.feeder.load_node]
    own = distance[[member.node for member in scenario.spec.members]]
    assert np.all(np.diff(fee[np.argsort(own)]) >= 0.0)
    assert 0.11 / 4 - tick <= fee.min() < fee.max() <= 0.11 / 2 + tick
    assert np.allclose(fee / tick, np.round(fee / tick))
    assert np.all(load_scenario("equal-tariffs-v0").network_fee_eur_per_kwh == 0.0)


def test_time_of_use_follows_the_clock_on_the_wall():
    scenario = load_scenario("classic-v0")
    own = scenario.retail_eur_per_kwh[:, scenario.contract_of[0]]
    retail = own.reshape(365, 24, 4)[:, :, 0]
    peak = retail > 0.3
    winter, summer, saturday = 15, 176, 19  # Tuesday 16 January, Tuesday 26 June
    assert np.flatnonzero(peak[winter]).tolist() == list(range(7, 20))
    assert np.flatnonzero(peak[summer]).tolist() == list(range(6, 19))  # at UTC+1
    assert not peak[saturday].any()
