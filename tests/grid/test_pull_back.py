"""Laws of pulling back towards rest, for drawn communities, with and without least powers."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.data import load
from p2p_market.grid.feeder import LinearFlow, linear_flow, squared_voltages, violations
from p2p_market.grid.pull_back import Least, Powers, pull_back

FEEDER = load("de2018").feeder
MEMBERS, ASSETS, BATCH = 5, 2, 3
SHAPE = (BATCH, MEMBERS, ASSETS)


@dataclass
class Case:
    flow: LinearFlow
    least: Least
    rest: Powers
    asked: Powers

    def pulled(self, asked=None):
        return pull_back(self.flow, self.least, self.rest, asked or self.asked)

    def pu2(self, powers):
        return squared_voltages(self.flow, powers.net_load_kw, powers.reactive_kvar)

    @property
    def bounds(self):
        """Lowest and highest squared voltage that each member may get."""
        rest = self.pu2(self.rest)
        return np.minimum(rest, self.flow.lowest_pu2), np.maximum(rest, self.flow.highest_pu2)


def powers(fixed_kw, setpoint_kw, curtailed_kw, shed_kw, reactive_kvar):
    net = fixed_kw + setpoint_kw.sum(axis=2) + curtailed_kw - shed_kw
    return Powers(setpoint_kw, curtailed_kw, shed_kw, net, reactive_kvar)


def drawn(seed: int, stopping: bool, reach_kw: float = 20.0) -> Case:
    """A community at drawn nodes, some of it forced to run, some with a least power."""
    generator = np.random.default_rng(seed)
    flow = linear_flow(FEEDER, generator.integers(40, 96, MEMBERS), transformer=seed % 2 == 0)
    machine = generator.random(SHAPE[1:]) < 0.5 * stopping
    on = np.where(machine, 0.4 * reach_kw * generator.random((2, MEMBERS, ASSETS)), 0.0)
    forced = (generator.random(SHAPE) < 0.2) & ~machine
    idle = np.where(forced, generator.uniform(0.0, reach_kw, SHAPE), 0.0)
    wish = generator.uniform(-reach_kw, reach_kw, SHAPE)
    wish = np.where((-on[1] < wish) & (wish < on[0]) & machine, 0.0, wish)
    fixed, cuts = generator.uniform(-20.0, 20.0, SHAPE[:2]), generator.uniform(0.0, 3.0, SHAPE[:2])
    rest = powers(fixed, idle, cuts, 0.0 * cuts, generator.uniform(0.0, 3.0, SHAPE[:2]))
    reactive = generator.uniform(-10.0, 10.0, SHAPE[:2])
    return Case(flow, Least(*on), rest, powers(fixed, wish, 0.5 * cuts, 0.2 * cuts, reactive))


SEEDS = st.integers(0, 2**32 - 1)
CASES = st.builds(drawn, SEEDS, st.booleans(), st.sampled_from([3.0, 20.0, 60.0]))


@given(CASES)
def test_who_is_inside_at_rest_stays_inside_and_nobody_ends_worse_than_at_rest(case):
    done, seen = case.pulled()
    (low, high), pu2 = case.bounds, case.pu2(done)
    assert np.all(pu2 <= high + 2e-12)
    assert np.all(pu2 >= low - 2e-12)
    inside = violations(case.flow, case.pu2(case.rest)) == 0.0
    assert np.all(violations(case.flow, pu2)[inside] <= 1e-12)
    assert seen.pu2 == pytest.approx(pu2, abs=1e-12)
    assert seen.rest_pu2 == pytest.approx(case.pu2(case.rest), abs=1e-12)


@given(CASES)
def test_what_violates_nothing_is_left_alone_to_the_bit(case):
    done, seen = case.pulled()
    (low, high), asked = case.bounds, case.pu2(case.asked)
    fine = np.all((asked <= high) & (asked >= low), axis=1)
    assert np.all(seen.share[fine] == 1.0)
    assert np.all(seen.pulled_kw[fine] == 0.0)
    for before, after in zip(case.asked, done, strict=True):
        assert np.array_equal(before[fine], after[fine])
    worse = np.any((asked > high + 1e-9) | (asked < low - 1e-9), axis=1)
    assert np.all(seen.share[worse] < 1.0)


@given(CASES)
def test_twice_is_once(case):
    once, _ = case.pulled()
    twice, seen = case.pulled(once)
    assert np.all(seen.share == 1.0)
    for first, second in zip(once, twice, strict=True):
        assert np.array_equal(first, second)


@given(CASES)
def test_all_powers_lie_between_rest_and_wish_and_no_device_runs_below_its_least(case):
    done, seen = case.pulled()
    for idle, after, before in zip(case.rest, done, case.asked, strict=True):
        assert np.all(after >= np.minimum(idle, before) - 1e-12)
        assert np.all(after <= np.maximum(idle, before) + 1e-12)
    on = np.where(done.setpoint_kw > 0.0, *case.least)
    assert np.all((done.setpoint_kw == 0.0) | (np.abs(done.setpoint_kw) >= on))
    moved = np.abs(case.asked.setpoint_kw - done.setpoint_kw).sum(axis=2)
    assert seen.pulled_kw == pytest.approx(moved, abs=1e-9)
    fixed = case.rest.net_load_kw - powers(0.0, *case.rest[:3], 0.0).net_load_kw
    assert powers(fixed, *done[:3], 0.0).net_load_kw == pytest.approx(done.net_load_kw, abs=1e-9)


@given(SEEDS)
def test_without_least_powers_the_share_is_the_largest_that_keeps_the_bounds(seed):
    case = drawn(seed, stopping=False, reach_kw=60.0)
    _, seen = case.pulled()
    (low, high), rest, asked = case.bounds, case.pu2(case.rest), case.pu2(case.asked)
    for more in (0.001, 0.25, 0.5, 1.0):
        share = (seen.share + more * (1.0 - seen.share))[:, None]
        there = rest + share * (asked - rest)
        out = np.any((there > high + 2e-12) | (there < low - 2e-12), axis=1)
        assert np.all(out[seen.share < 0.999999])


@given(CASES, st.floats(0.0, 20.0))
def test_a_limit_that_rest_and_wish_keep_is_kept(case, slack_kw):
    """A connection's and a line's; machines that stop bring their member to rest as a whole."""
    done, _ = case.pulled()
    ends = np.abs(np.stack([case.rest.net_load_kw, case.asked.net_load_kw]))
    assert np.all(np.abs(done.net_load_kw) <= ends.max(axis=0) + slack_kw + 1e-9)
    if not case.least.charge_on_kw.any():
        ends = [np.abs(one.net_load_kw.sum(axis=1)) for one in (case.rest, case.asked)]
        assert np.all(np.abs(done.net_load_kw.sum(axis=1)) <= np.maximum(*ends) + 1e-9)


def by_hand(setpoints, fixed, nodes, on=(0.0, 0.0, 0.0), reactive=(0.0, 0.0, 0.0)):
    """One community with one device each that need not run."""
    kw, zero = np.array(setpoints)[None, :, None], np.zeros((1, 3))
    least = Least(np.array(on)[:, None], np.array(on)[:, None])
    rest = powers(np.array([fixed]), 0.0 * kw, zero, zero, zero)
    asked = powers(np.array([fixed]), kw, zero, zero, np.array([reactive]))
    return Case(linear_flow(FEEDER, nodes), least, rest, asked)


def test_all_are_pulled_alike_until_the_worst_lies_on_its_bound():
    case = by_hand([-60.0, -30.0, 10.0], [0.0, 0.0, 0.0], [95, 95, 1])
    done, seen = case.pulled()
    asked = case.pu2(case.asked)[0, 0]
    assert seen.share == pytest.approx([(1.03**2 - 1.0) / (asked - 1.0)])
    assert seen.pu2[0, 0] == pytest.approx(1.03**2, abs=1e-12)
    assert done.setpoint_kw[0, :, 0] == pytest.approx(seen.share * [-60.0, -30.0, 10.0])
    assert seen.pulled_kw[0] == pytest.approx((1.0 - seen.share) * [60.0, 30.0, 10.0])


def test_where_rest_is_outside_nothing_makes_it_worse_and_help_is_allowed():
    worse = by_hand([-1.0, 0.0, 0.0], [-60.0, 0.0, 0.0], [95, 60, 1])
    done, seen = worse.pulled()
    assert seen.share.tolist() == [0.0]
    assert not done.setpoint_kw.any()
    assert seen.pu2[0, 0] == seen.rest_pu2[0, 0] > 1.03**2
    helping = by_hand([5.0, 0.0, 0.0], [-60.0, 0.0, 0.0], [95, 60, 1])
    assert helping.pulled()[1].share.tolist() == [1.0]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_machine_that_stops_no_longer_helps_and_the_others_give_way(sign):
    # It wants 20 kW; pulled back it would fall below its least power, so it stops.
    wish = [sign * 20.0, sign * -70.0, 0.0]
    case = by_hand(wish, [0.0, 0.0, 0.0], [95, 95, 1], on=(19.9, 0.0, 0.0))
    done, seen = case.pulled()
    assert done.setpoint_kw[0, 0, 0] == 0.0
    bound = case.flow.highest_pu2 if sign > 0.0 else case.flow.lowest_pu2
    assert seen.pu2[0, 0] == pytest.approx(bound, abs=1e-12)
    alone = by_hand([0.0, wish[1], 0.0], [0.0, 0.0, 0.0], [95, 95, 1]).pulled()[0]
    assert done.setpoint_kw[0, 1, 0] == pytest.approx(alone.setpoint_kw[0, 1, 0])


def test_rounding_beyond_a_bound_is_left_alone():
    once = by_hand([-60.0, -30.0, 10.0], [0.0, 0.0, 0.0], [95, 95, 1]).pulled()[0]
    beyond = (once.setpoint_kw[0, :, 0] * (1.0 + 1e-13)).tolist()
    case = by_hand(beyond, [0.0, 0.0, 0.0], [95, 95, 1])
    assert case.pu2(case.asked)[0, 0] > case.flow.highest_pu2
    assert case.pulled()[1].share.tolist() == [1.0]
    low = by_hand([-kw * 1.0001 for kw in beyond], [0.0, 0.0, 0.0], [95, 95, 1])
    once = low.pulled()[0].setpoint_kw[0, :, 0]
    case = by_hand((once * (1.0 + 1e-13)).tolist(), [0.0, 0.0, 0.0], [95, 95, 1])
    assert case.pu2(case.asked)[0, 0] < case.flow.lowest_pu2
    assert case.pulled()[1].share.tolist() == [1.0]


def test_reactive_power_goes_the_same_way():
    wish = [80.0, 10.0, -4.0]
    case = by_hand([0.0, 0.0, 0.0], [20.0, 0.0, 0.0], [95, 95, 1], reactive=wish)
    done, seen = case.pulled()
    assert 0.0 < seen.share.item() < 1.0
    assert done.reactive_kvar[0] == pytest.approx(seen.share * wish)
    assert seen.pu2[0, 0] == pytest.approx(0.97**2, abs=1e-12)


def test_communities_of_a_batch_do_not_know_each_other():
    case = drawn(0, stopping=True, reach_kw=60.0)
    together = case.pulled()
    for b in range(BATCH):
        rest, asked = (Powers(*(a[b : b + 1] for a in one)) for one in (case.rest, case.asked))
        alone = pull_back(case.flow, case.least, rest, asked)
        for part, whole in zip(sum(alone, ()), sum(together, ()), strict=True):
            assert np.array_equal(part, whole[b : b + 1])
    assert len(set(together[1].share.tolist())) > 1
