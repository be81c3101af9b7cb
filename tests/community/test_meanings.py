"""Every number that an agent or a critic sees has a meaning on the card."""

from p2p_market.community.meanings import JOINT, OBSERVED, meaning
from p2p_market.community.observation import features, state_features
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.schema import FollowingFeedIn
from p2p_market.registry import load_scenario
from tests.community.machines.zoo import community
from tests.community.past.looking_back import looking_back
from tests.every_scenario import COMMUNITY


def following():
    """Feed-in that follows the price, which no shipped scenario has."""
    spec = load_scenario("classic-v0").spec
    tariff = {"feed_in_eur_per_kwh": None, "feed_in": FollowingFeedIn()}
    contracts = {name: one.model_copy(update=tariff) for name, one in spec.contracts.items()}
    return build(spec.model_copy(update={"id": "paid-v0", "contracts": contracts}))


def test_every_feature_of_every_scenario_has_a_meaning_and_no_meaning_is_idle():
    seen, joint = set(), set()
    for scenario in (
        *map(load_scenario, COMMUNITY),
        following(),
        *map(community, ("wood_chp", "biogas_service")),
        looking_back(),
    ):
        seen |= {meaning(feature.name) for feature in features(scenario)}
        joint |= {meaning(feature.name, joint=True) for feature in state_features(scenario)}
    assert set(OBSERVED.values()) <= seen
    assert set(JOINT.values()) <= joint
    assert meaning("cos_week") == "cosine of the day of the week"
    assert meaning("load_in_24h") == OBSERVED["load_in"]
    assert meaning("drift_in_8h_1") == OBSERVED["drift_in"]
    assert meaning("load", joint=True) != meaning("load")
