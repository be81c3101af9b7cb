"""The track keeps what every track of the house keeps."""

from functools import partial

import pytest
from pettingzoo.test import parallel_api_test

from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.rollout import rollout
from p2p_market.loading import load
from p2p_market.registry import load_scenario, make
from p2p_market.testing import check_environment, check_policy
from p2p_market.tracks import track_of
from p2p_market.wholesale.baselines import BASELINES
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.rules import chance
from tests.every_scenario import ids_of
from tests.wholesale.cases import drawn, scenario

SETTLED = "auction-example-v0"
"""Nothing is drawn there: every seed gives the same step."""
TYPICAL = "wholesale-12-v0"
"""The others differ from it in numbers alone."""
WHO_PLAYS = sorted(
    {(role, target) for one in BASELINES.values() for role, target in one.targets.items()}
)
"""Each rule once, with its role."""


@pytest.mark.compiled
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == TYPICAL else pytest.mark.slow)
        for name in ids_of("wholesale")
        if name != SETTLED
    ],
)
def test_the_environment_conforms(name):
    check_environment(partial(make, name), steps=48)


@pytest.mark.compiled
def test_pettingzoo_accepts_it():
    parallel_api_test(make("wholesale-12-v0"), num_cycles=60)


@pytest.mark.compiled
@pytest.mark.parametrize(("role", "target"), WHO_PLAYS)
def test_baselines_conform(role, target):
    of = scenario(TYPICAL)
    check_policy(load(target)(of), of, role=role)


def test_a_cast_plays_the_rule_where_nobody_is_named():
    of, given = scenario("auction-example-v0"), drawn("auction-example-v0")
    cast = play(of, given, "generator=ladder,storage=random")
    rule = play(of, given, "default")
    assert cast.digests != rule.digests
    assert set(cast.actions) == set(ROLES)
    assert (cast.actions["operator"] == rule.actions["operator"]).all()


def test_metrics_of_an_auction_by_hand():
    of, given = scenario("auction-example-v0"), drawn("auction-example-v0")
    played = play(of, given, "default")
    metrics = track_of(of).CARD.metrics
    told = {name: float(one.of(of, given, played)[0]) for name, one in metrics.items()}
    output, load = played.series["output_mw"], played.series["load_mw"]
    assert told["renewable_share"] == pytest.approx(output[0, 0, :2].sum() / load.sum())
    assert told["mean_price"] == played.series["price_eur_per_mwh"][0, 0]
    assert told["consumer_payment"] == pytest.approx(told["mean_price"] * load.sum() / 12.0)
    assert told["in_band"] == 1.0
    assert told["outage_probability"] == 0.0
    assert told["emissions"] == 0.0


def test_the_same_seed_gives_the_same_bytes():
    of, given = load_scenario("wholesale-12-v0"), drawn()
    policies = track_of(of).CARD.baselines["random"].targets
    assert set(policies) == set(ROLES)
    one, two = (rollout(of, given, dict(_random(of)), "random", steps=50).digests for _ in range(2))
    assert one == two


def _random(of):
    return {role: getattr(chance, role)(of) for role in ROLES}
