"""B10: what a draw shows of itself tells of no other; and which numbers it is made of."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from leaderboard.season.draws import board_scenario, draws, focal_draws, number
from leaderboard.season.season import Board, Season, commitment, read
from leaderboard.tracks.community.facts import facts, published
from leaderboard.tracks.community.year import on_year
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.schema import FollowingFeedIn
from p2p_market.data import synthetic
from p2p_market.data.calendar import split_mask
from p2p_market.errors import RecordError, UsageError
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY
from tests.leaderboard.seasons import SECRET

BOARD = "community-16-v0"


def candidates(known, season_id):
    """What somebody would try who knows earlier numbers, the commitment and the code."""
    last = known[-1]
    words = f"{BOARD}/{len(known)}/data".encode()
    public = bytes.fromhex(commitment(season_id, SECRET))
    yield from range(2**12)
    yield from (last + step for step in range(-(2**8), 2**8))
    yield 2 * known[-1] - known[-2]
    for key in (b"", public, last.to_bytes(16, "big"), season_id.encode()):
        said = hashlib.shake_256(b"p2p_market/draw/1" + key + words).digest(16)
        yield int.from_bytes(said, "big")
    for entropy in known:
        yield int.from_bytes(np.random.default_rng(entropy).bytes(16), "big")


@pytest.mark.attack("B10")
def test_no_search_from_earlier_draws_finds_the_next():
    known = [number(SECRET, BOARD, index, "data") for index in range(4)]
    following = number(SECRET, BOARD, 4, "data")
    assert following not in set(candidates(known, "tiny"))
    # the same search finds it where draws follow each other
    assert known[-1] + 1 in set(candidates(known, "tiny"))


def test_numbers_are_wide_and_independent():
    words = [(BOARD, index, channel) for index in range(500) for channel in ("data", "seed")]
    numbers = [number(SECRET, *each) for each in words]
    assert len(set(numbers)) == len(numbers)
    bits = np.array([[value >> bit & 1 for bit in range(128)] for value in numbers])
    assert np.all(np.abs(bits.mean(axis=0) - 0.5) < 5.0 * 0.5 / np.sqrt(len(numbers)))
    assert number(bytes(32), *words[0]) != numbers[0]
    assert numbers[0] == int.from_bytes(
        hashlib.shake_256(b"p2p_market/draw/1" + SECRET + b"community-16-v0/0/data").digest(16),
        "big",
    )


def years_that_begin_so(first, bits):
    """Seeds below 2^bits whose year begins with this random number, which nobody is shown."""
    return [seed for seed in range(2**bits) if first == beginning(seed)]


def beginning(seed):
    return synthetic.stream(seed, "price hours").standard_t(7)


@pytest.mark.attack("B10")
def test_a_search_finds_what_lies_within_its_reach_and_no_draw():
    # even who is given the random number itself: 26 us a seed are 7 minutes for 2^24 of them, and
    # 3e26 years for the 2^128 that a draw has
    assert years_that_begin_so(beginning(1000), 10) == [1000]
    assert years_that_begin_so(beginning(number(SECRET, BOARD, 0, "data")), 10) == []


@pytest.mark.attack("B10")
@pytest.mark.parametrize("bits", [12, pytest.param(24, marks=pytest.mark.slow)])
def test_a_secret_that_is_guessed_is_known_by_its_commitment(bits):
    # 1.5 us a guess: 25 s for 2^24. So a secret is drawn by the system and not made up
    def found(committed):
        guesses = (guess.to_bytes(32, "big") for guess in range(2**bits))
        return [guess for guess in guesses if commitment("tiny", guess) == committed]

    weak = (2**bits - 3).to_bytes(32, "big")
    assert found(commitment("tiny", weak)) == [weak]
    assert found(commitment("tiny", SECRET)) == []


@pytest.mark.attack("B10")
def test_every_bit_of_a_number_changes_the_year_and_the_days(tiny):
    """Were only some of them used, a search would need no more than those."""
    (drawn, *_) = draws(tiny)
    seed = number(SECRET, BOARD, 0, "data")
    years = {synthetic.prices(seed ^ 1 << bit, "synthetic").tobytes() for bit in range(128)}
    assert len(years | {synthetic.prices(seed, "synthetic").tobytes()}) == 129
    keys = [replace(drawn.key, seed=drawn.key.seed ^ 1 << bit) for bit in (0, 31, 32, 63, 64, 127)]
    loads = {draw(drawn.scenario, key).load_kw.tobytes() for key in [drawn.key, *keys]}
    assert len(loads) == 7


def test_a_small_seed_would_be_found_from_the_prices_and_a_wide_one_is_not():
    def found(drawn):
        seen = synthetic.prices(drawn, "synthetic")[:48]
        return [s for s in range(64) if np.array_equal(synthetic.prices(s, "synthetic")[:48], seen)]

    assert found(41) == [41]
    assert found(number(SECRET, BOARD, 0, "data")) == []


@pytest.mark.parametrize("name", COMMUNITY)
def test_every_scenario_can_be_drawn_and_holds_no_public_data(name):
    shipped = board_scenario(Board(scenario=name, draws=1))
    spec = on_year(shipped.spec, number(SECRET, name, 0, "data"))
    scenario = build(spec)
    assert spec.data.startswith("synthetic:")
    assert all("donor" not in device for member in spec.members for device in member.assets)
    assert scenario.agents == shipped.agents
    top = scenario.spec.price_max_eur_per_kwh
    assert scenario.retail_eur_per_kwh.max() <= top


def test_a_feed_in_tariff_that_follows_the_price_stays_in_its_range_in_an_unseen_year():
    spec = load_scenario("community-16-v0").spec
    paid = {"feed_in_eur_per_kwh": None, "feed_in": FollowingFeedIn(adder_eur_per_kwh=-0.004)}
    contracts = {name: one.model_copy(update=paid) for name, one in spec.contracts.items()}
    follows = build(spec.model_copy(update={"id": "paid-v0", "contracts": contracts}))
    drawn = build(on_year(follows.spec, 1))
    for end in ("min", "max"):
        assert getattr(drawn.feed_in_eur_per_kwh, end)() == pytest.approx(
            getattr(follows.feed_in_eur_per_kwh, end)()
        )
    assert not np.array_equal(drawn.feed_in_eur_per_kwh, follows.feed_in_eur_per_kwh)


def test_draws_of_a_season(tiny, another):
    own, other = draws(tiny), draws(another)
    assert [drawn.index for drawn in own] == [0, 1]
    assert len({drawn.key.seed for drawn in [*own, *other]}) == 4
    assert len({drawn.scenario.spec.data for drawn in [*own, *other]}) == 4
    assert draws(read(tiny.folder, SECRET)) == own
    ((drawn, seat),) = focal_draws(tiny)
    assert drawn.key == own[0].key
    assert 0 <= seat < len(drawn.scenario.agents)


def test_a_season_keeps_to_what_it_committed_to(tiny):
    assert read(tiny.folder).secret is None
    with pytest.raises(UsageError, match="its secret is not revealed yet"):
        draws(read(tiny.folder))
    with pytest.raises(RecordError, match="the secret is not the one it was opened with"):
        read(tiny.folder, bytes(32))
    assert isinstance(tiny, Season)


def test_a_program_is_told_the_tariffs_that_are_published():
    spec = load_scenario("classic-v0").spec
    paid = {"feed_in_eur_per_kwh": None, "feed_in": FollowingFeedIn(factor=0.5)}
    contracts = {name: one.model_copy(update=paid) for name, one in spec.contracts.items()}
    scenario = build(spec.model_copy(update={"id": "paid-v0", "contracts": contracts}))
    episode = draw(scenario, choose_key(scenario, 0, "test", 3))
    told = published(scenario, episode, "prosumer", 0, 14)
    assert set(told) == {"retail_eur_per_kwh", "feed_in_eur_per_kwh"}
    tariffs = told["feed_in_eur_per_kwh"]
    assert len(tariffs) == len(told["retail_eur_per_kwh"]) == 47  # to midnight of the next day
    assert np.array_equal(tariffs, episode.feed_in_eur_per_kwh[:47, 0, 0])
    mean = facts(scenario, episode, "prosumer", 0)["feed_in_eur_per_kwh"]
    days = np.repeat(split_mask("train"), 96)
    assert mean == pytest.approx(0.5 * scenario.data.day_ahead_eur_per_kwh[days].mean(), abs=1e-4)
