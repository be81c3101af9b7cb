"""The background population: what each bot does, that it is frozen, and who is drawn."""

import numpy as np
import pytest

from baselines.community.population.bots import FIRST
from baselines.community.population.policy import ERRORS
from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.players.population import (
    Seeded,
    bot_seed,
    load_population,
    seated,
    stranger,
)
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import POPULATION, load_scenario
from p2p_market.track import EpisodeKey

SCENARIO = build(load_scenario("classic-v0").spec.model_copy(update={"days": 1}))
EPISODE = draw(SCENARIO, choose_key(SCENARIO, 3, "train", 6))
TABLE = action_map(SCENARIO)
NAMES = [feature.name for feature in features(SCENARIO)]


def bot(name):
    return load_policy(FIRST.bots[name].target, SCENARIO)


def observed(episode=EPISODE):
    """Observations of a day that the truthful rule plays."""
    policy, seen = bot("truthful"), []

    class Watched:
        def start(self, seeds):
            return policy.start(seeds)

        def act(self, observation, memory):
            seen.append(observation.copy())
            return policy.act(observation, memory)

    rollout(SCENARIO, episode, Watched())
    return seen


def orders(name, observation):
    """A bot's first action in physical units, (1, agent, column)."""
    policy = bot(name)
    action, _ = policy.act(observation, policy.start([7]))
    return TABLE.physical(np.asarray(action, dtype=np.float64))


def test_ten_bots_in_four_behaviours_at_least():
    assert load_population(POPULATION) is FIRST
    assert len(FIRST.bots) >= 10
    assert len({one.behaviour for one in FIRST.bots.values()}) >= 4


# Private cost of a day if all six members are this bot, rounded. Another number is another
# population: give it another name in `baselines/community/population/bots.py`.
FROZEN = {
    "truthful": [-1.5742, 7.854021, -34.9582, 58.4728, 61.79904, -31.60798],
    "storage-value": [-2.020494, 6.083978, -39.513497, 49.326011, 56.043841, -26.9707],
    "shading-10": [-2.120227, 7.679486, -36.142931, 59.327742, 62.759328, -31.517916],
    "shading-20": [-2.666254, 7.504951, -37.327662, 60.182684, 63.719615, -31.427852],
    "shading-30": [-3.212282, 7.330416, -38.512393, 61.037626, 64.679903, -31.337788],
    "selling-half": [-2.29946, 7.854021, -37.85966, 65.0816, 67.34876, -29.00967],
    "buying-half": [-0.914859, 7.854021, -30.69592, 62.86653, 66.05208, -22.89136],
    "hoarding": [3.09272, 13.90956, -35.04574, 59.47234, 61.79904, -31.60798],
    "zip": [-4.764074, 5.151807, -40.467363, 63.152351, 68.551343, -31.099064],
    "gjerstad-dickhaut": [6e-05, 7.854021, -30.2108, 76.15838, 79.60496, -18.43262],
    "zero-intelligence": [-0.426214, 6.25395, -31.843584, 68.438944, 76.338074, -19.89837],
    "erring": [-1.5742, 8.859141, -36.149444, 58.4728, 61.79904, -30.38478],
}


@pytest.mark.parametrize("name", FIRST.bots)
def test_bots_are_frozen(name):
    played = rollout(SCENARIO, EPISODE, bot(name), name)
    assert played.private_cost_eur[0] == pytest.approx(FROZEN[name], abs=5e-6)
    assert not played.cause.any()


@pytest.mark.parametrize(("name", "share"), [("shading-10", 0.1), ("shading-30", 0.3)])
def test_shading_leaves_the_truth_by_a_share_of_the_spread(name, share):
    for observation in observed():
        seen = dict(zip(NAMES, observation.astype(float)[0].T, strict=True))
        cap = seen["retail"] + seen["carbon_cost"] - seen["network_fee"]
        floor = seen["feed_in"] + seen["network_fee"]
        shaded, honest = orders(name, observation)[0], orders("truthful", observation)[0]
        assert shaded[:, :-1].tolist() == honest[:, :-1].tolist()
        wanted = np.where(
            honest[:, -2] > 0.0, cap - share * (cap - floor), floor + share * (cap - floor)
        )
        trades = honest[:, -2] != 0.0
        assert shaded[trades, -1] == pytest.approx(wanted[trades], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "sold", "bought"), [("selling-half", 0.5, 1.0), ("buying-half", 1.0, 0.5)]
)
def test_withholding_orders_less(name, sold, bought):
    sides = set()
    for observation in observed():
        held, honest = orders(name, observation), orders("truthful", observation)
        quantity = honest[..., -2]
        wanted = quantity * np.where(quantity > 0.0, bought, sold)
        assert held[..., -2] == pytest.approx(wanted, abs=1e-12)
        assert np.delete(held, -2, axis=-1).tolist() == np.delete(honest, -2, axis=-1).tolist()
        sides |= set(np.sign(quantity).ravel().tolist())
    assert {-1.0, 1.0} <= sides


def test_hoarding_charges_as_the_rule_and_gives_nothing_back():
    discharges = 0
    for observation in observed():
        hoards, honest = orders("hoarding", observation), orders("truthful", observation)
        setpoint = hoards[..., :-2]
        assert setpoint == pytest.approx(np.maximum(honest[..., :-2], 0.0), abs=1e-9)
        load, pv = observation[..., [NAMES.index("load"), NAMES.index("pv")]].astype(float).T
        assert hoards[..., -2] == pytest.approx((load - pv).T + setpoint.sum(axis=-1), abs=1e-9)
        discharges += int((honest[..., :-2] < 0.0).sum())
    assert discharges > 0


def test_erring_errs_as_often_as_it_says():
    observation = observed()[12]
    honest = orders("truthful", observation)
    policy, wrong, count = bot("erring"), 0, 400
    memory = policy.start([7])
    for _ in range(count):
        action, memory = policy.act(observation, memory)
        wrong += int((TABLE.physical(action) != honest).any(axis=-1).sum())
    expected = ERRORS * count * len(SCENARIO.agents)
    assert abs(wrong - expected) < 5.0 * np.sqrt(expected)


@pytest.mark.parametrize("name", FIRST.bots)
def test_every_bot_acts_on_its_own_row(name):
    """Else its memory of seats that others play would reach into its own."""
    others = draw(SCENARIO, stranger(EPISODE.keys[0]))
    policy, seat = bot(name), 2
    memories = [policy.start([7]), policy.start([7])]
    for mine, strange in zip(observed(), observed(others), strict=True):
        replaced = strange.copy()
        replaced[:, seat] = mine[:, seat]
        answers = []
        for number, observation in enumerate((mine, replaced)):
            action, memories[number] = policy.act(observation, memories[number])
            answers.append(np.asarray(action)[:, seat].tolist())
        assert answers[0] == answers[1]


def test_the_draw_depends_on_seed_week_and_scenario_alone():
    key = EpisodeKey("train", 3, 0)
    first = seated(SCENARIO, FIRST, key)
    assert first == seated(SCENARIO, FIRST, EpisodeKey("train", 3, 0))
    assert first != seated(SCENARIO, FIRST, EpisodeKey("train", 3, 1))
    assert first != seated(SCENARIO, FIRST, EpisodeKey("train", 4, 0))
    larger = load_scenario("community-16-v0")
    assert first != seated(larger, FIRST, key)[: len(first)]
    spec = SCENARIO.spec
    smaller = build(spec.model_copy(update={"members": spec.members[:4]}))
    assert seated(smaller, FIRST, key) == first[:4]  # a seat's bot is its own draw


def test_all_bots_are_as_likely():
    days = range(300)
    drawn = [name for day in days for name in seated(SCENARIO, FIRST, EpisodeKey("train", day, 0))]
    counts = np.array([drawn.count(name) for name in FIRST.bots])
    expected = len(drawn) / len(FIRST.bots)
    assert np.all(np.abs(counts - expected) < 4.5 * np.sqrt(expected))


def test_seeds_of_bots_and_strangers_lie_apart():
    keys = [EpisodeKey("train", day, seed) for day in (3, 4) for seed in (0, 1)]
    seeds = [bot_seed(key) for key in keys] + [stranger(key).seed for key in keys]
    assert len(set(seeds)) == len(seeds)


def test_a_bot_starts_from_its_own_seeds():
    seeded = Seeded(load_policy("random", SCENARIO), (3, 4))
    assert seeded.start([9, 9]) == ((3, 4), 0)


def test_a_missing_population_is_named():
    with pytest.raises(PolicyError, match="nowhere"):
        load_population("nowhere:ALL")
    with pytest.raises(PolicyError, match="not a Population"):
        load_population("baselines.community.population.policy:ERRORS")
