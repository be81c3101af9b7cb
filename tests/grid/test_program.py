"""A linear program with the coefficients of the record plans what the kernels leave alone."""

import numpy as np
import pytest

from p2p_market.data import load
from p2p_market.grid.feeder import linear_flow
from p2p_market.grid.pull_back import Least, Powers, pull_back
from p2p_market.grid.reactive import LARGEST_SHARE, OVERSIZE, SLOPE, Inverters, reactive_room

optimize = pytest.importorskip("scipy.optimize")

NODES = np.arange(86, 96)
MEMBERS, MOST_KW = len(NODES), 12.0
FLOW = linear_flow(load("de2018").feeder, NODES)
INVERTERS = Inverters(
    np.zeros(MEMBERS), np.zeros(MEMBERS), np.full((MEMBERS, 1), MOST_KW),
    np.full((MEMBERS, 1), OVERSIZE * MOST_KW),
)  # fmt: skip


def planned(fixed_kw, worth):
    """Powers and reactive powers of batteries of the least cost inside band and octagons."""
    eye, across = np.eye(MEMBERS), np.hstack([FLOW.drop_per_active, FLOW.drop_per_reactive])
    idle = FLOW.source_pu2 - FLOW.drop_per_active @ fixed_kw
    sides = [np.hstack([p * eye, q * SLOPE * eye]) for p in (-1, 1) for q in (-1, 1)]
    found = optimize.linprog(
        worth,
        A_ub=np.vstack([across, -across, *sides]),
        b_ub=np.concatenate([idle - FLOW.lowest_pu2, FLOW.highest_pu2 - idle,
                             np.full(4 * MEMBERS, OVERSIZE * MOST_KW)]),
        bounds=[(-MOST_KW, MOST_KW)] * MEMBERS
        + [(-LARGEST_SHARE * MOST_KW, LARGEST_SHARE * MOST_KW)] * MEMBERS,
    )  # fmt: skip
    assert found.status == 0
    return found.x[:MEMBERS], found.x[MEMBERS:]


def drawn(seed):
    """Net loads without batteries, and a plan with them."""
    generator = np.random.default_rng(seed)
    fixed_kw = generator.uniform(-8.0, 8.0, MEMBERS)
    worth = generator.standard_normal() + 0.5 * generator.normal(size=2 * MEMBERS)
    return fixed_kw, *planned(fixed_kw, worth)


def test_what_is_planned_inside_the_band_is_done():
    on_the_bound, zero = 0, np.zeros((1, MEMBERS))
    for seed in range(30):
        fixed_kw, kw, kvar = drawn(seed)
        rest = Powers(np.zeros((1, MEMBERS, 1)), zero, zero, fixed_kw[None], zero)
        asked = Powers(kw[None, :, None], zero, zero, (fixed_kw + kw)[None], kvar[None])
        done, seen = pull_back(FLOW, Least(*np.zeros((2, MEMBERS, 1))), rest, asked)
        assert seen.share == pytest.approx([1.0], abs=1e-9)
        assert done.setpoint_kw == pytest.approx(asked.setpoint_kw, abs=1e-9)
        room = reactive_room(INVERTERS, zero, np.ones((1, MEMBERS, 1)), asked.setpoint_kw)
        assert np.all(np.abs(kvar) <= room[0] + 1e-9)
        left = np.minimum(seen.pu2 - FLOW.lowest_pu2, FLOW.highest_pu2 - seen.pu2)
        on_the_bound += abs(left.min()) < 1e-9
    assert on_the_bound > 15, "else the band said nothing to these plans"
