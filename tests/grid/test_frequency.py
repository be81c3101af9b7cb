"""The quasi-steady deviation: by hand, its laws, and beside a linear program."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.errors import ArgumentError
from p2p_market.grid.frequency import deviation, deviations

optimize = pytest.importorskip("scipy.optimize")

GAINS, ROOMS = np.array([12.0, 16.0, 125.0]), np.array([5.0, 10.0, 20.0])
HIGHEST = 0.8
SEEDS = st.integers(0, 2**32 - 1)


def response(damping, gains, rooms, x_hz):
    """F(x), written once more."""
    return damping * x_hz + np.minimum(gains * x_hz, np.maximum(rooms, 0.0)).sum()


def drawn(seed):
    """An event: providers without gain or room among them, and a missing power of any size."""
    generator = np.random.default_rng(seed)
    count = generator.integers(1, 12)
    gains = generator.uniform(0.0, 130.0, count) * (generator.random(count) < 0.8)
    rooms = generator.uniform(-5.0, 25.0, count) * (generator.random(count) < 0.8)
    damping = generator.uniform(0.5, 3.0)
    most = response(damping, gains, rooms, HIGHEST)
    return damping, gains, rooms, generator.uniform(0.0, 1.2) * most


def solved(damping, gains, rooms, missing):
    found = deviations(damping, gains, rooms, missing, HIGHEST)
    return found.x_hz.item(), found.shed_mw.item()


def test_known_events():
    found = deviations(2.0, GAINS, ROOMS, np.array([12.0, 30.0, 40.0]), HIGHEST)
    assert found.x_hz == pytest.approx([12.0 / 155.0, 1.0 / 3.0, 0.8])
    assert found.shed_mw == pytest.approx([0.0, 0.0, 3.4])
    assert found.x_hz[0] == pytest.approx(0.077419, abs=5e-7)


@pytest.mark.parametrize("missing", [0.0, -3.0])
def test_nothing_missing_is_no_event(missing):
    assert solved(2.0, GAINS, ROOMS, missing) == (0.0, 0.0)


def test_who_has_no_gain_or_no_room_answers_nothing():
    extra = np.array([0.0, 50.0, 50.0]), np.array([30.0, 0.0, -4.0])
    gains, rooms = (np.concatenate(pair) for pair in zip((GAINS, ROOMS), extra, strict=True))
    for missing in (12.0, 30.0, 40.0):
        assert solved(2.0, gains, rooms, missing) == solved(2.0, GAINS, ROOMS, missing)


def test_without_damping_and_response_all_is_shed():
    assert solved(0.0, np.array([0.0]), np.array([9.0]), 7.0) == (HIGHEST, 7.0)


def test_what_all_rooms_together_just_carry_is_not_shed():
    assert solved(0.0, GAINS, ROOMS, 35.0) == (10.0 / 16.0, 0.0)
    assert solved(2.0, GAINS, ROOMS, 36.6) == pytest.approx((HIGHEST, 0.0))


def test_rooms_that_are_left_one_after_the_other_need_every_pass():
    gains = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    rooms = np.array([0.5, 0.5, 0.5, 0.5, 0.5])
    for missing in (0.1, 0.6, 1.1, 1.6, 2.1, 2.4):
        x, shed = solved(1e-3, gains, rooms, missing)
        assert shed == 0.0
        assert response(1e-3, gains, rooms, x) == pytest.approx(missing)


@given(SEEDS)
def test_the_least_deviation_that_suffices(seed):
    event = drawn(seed)
    x, shed = solved(*event)
    assert 0.0 <= x <= HIGHEST
    assert response(*event[:3], x) + shed == pytest.approx(event[3], rel=1e-12, abs=1e-12)
    assert shed == 0.0 or x == HIGHEST


@given(SEEDS)
def test_a_linear_program_finds_the_same(seed):
    damping, gains, rooms, missing = drawn(seed)
    count = len(gains)  # variables: x, the responses, and what is shed, which costs more
    found = optimize.linprog(
        [1.0, *np.zeros(count), 10.0],
        A_ub=np.vstack([
            [-damping, *-np.ones(count), -1.0],
            np.hstack([-gains[:, None], np.eye(count), np.zeros((count, 1))]),
        ]),
        b_ub=[-missing, *np.zeros(count)],
        bounds=[(0.0, HIGHEST), *((0.0, max(room, 0.0)) for room in rooms), (0.0, None)],
    )  # fmt: skip
    assert found.status == 0
    assert solved(damping, gains, rooms, missing) == pytest.approx(found.x[[0, -1]], abs=1e-7)


@given(SEEDS, st.floats(0.0, 40.0))
def test_more_missing_is_no_smaller_and_more_room_no_larger_a_deviation(seed, more):
    damping, gains, rooms, missing = drawn(seed)
    x, shed = solved(damping, gains, rooms, missing)
    deeper, lost = solved(damping, gains, rooms, missing + more)
    assert deeper >= x - 1e-12
    assert lost >= shed - 1e-12
    for i in range(len(rooms)):
        wider = rooms + more * (np.arange(len(rooms)) == i)
        smaller, less = solved(damping, gains, wider, missing)
        assert smaller <= x + 1e-12
        assert less <= shed + 1e-9


@given(SEEDS, st.floats(0.0, 1.0))
def test_their_price_is_convex_where_shedding_is_never_the_cheaper(seed, cheaper):
    generator = np.random.default_rng(seed)
    damping, gains, rooms, missing = drawn(seed)
    ends = [
        (np.abs(rooms) * generator.random(len(rooms)), missing * generator.random())
        for _ in range(2)
    ]
    between = [sum(pair) / 2.0 for pair in zip(*ends, strict=True)]
    price = np.array([cheaper * damping, 1.0])
    halves = np.mean([price @ solved(damping, gains, *end) for end in ends])
    assert price @ solved(damping, gains, *between) <= halves + 1e-9


@given(SEEDS)
def test_a_batch_is_its_events_to_the_bit(seed):
    generator = np.random.default_rng(seed)
    damping, missing = generator.uniform(0.0, 40.0, (2, 5))
    gains, rooms = generator.uniform(0.0, 30.0, (2, 5, 4))
    found = deviations(damping, gains, rooms, missing, HIGHEST)
    for b in range(5):
        alone = deviation(damping[b], gains[b], rooms[b], missing[b], HIGHEST)
        assert (found.x_hz[b], found.shed_mw[b]) == alone


def test_one_set_of_providers_serves_many_events():
    one = deviations(2.0, GAINS, ROOMS[None], np.array([12.0, 30.0]), HIGHEST)
    many = deviations(np.full(2, 2.0), np.tile(GAINS, (2, 1)), ROOMS, np.array([12.0, 30.0]), 0.8)
    assert np.array_equal(one.x_hz, many.x_hz)
    assert not one.x_hz.flags.writeable


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"damping_mw_per_hz": -1.0}, "at least 0"), ({"gains_mw_per_hz": -GAINS}, "at least 0"),
     ({"missing_mw": np.nan}, "not finite"), ({"rooms_mw": ROOMS * np.inf}, "not finite"),
     ({"highest_hz": 0.0}, "above 0")],
)  # fmt: skip
def test_what_is_no_event_is_refused(changed, words):
    given_ = {"damping_mw_per_hz": 2.0, "gains_mw_per_hz": GAINS, "rooms_mw": ROOMS,
              "missing_mw": 12.0, "highest_hz": HIGHEST}  # fmt: skip
    with pytest.raises(ArgumentError, match=words):
        deviations(**given_ | changed)
