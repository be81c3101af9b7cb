"""The quasi-steady deviation beside the whole swing equation; docs/power-system-physics.md.

With N cases, `python -m tests.grid.test_frequency_swing N` prints the tables of that page.
"""

import sys

import numpy as np
import pytest

from p2p_market.grid.frequency import deviations
from tests.grid.swing import drawn, outages, swing

BAND_HZ, HIGHEST_HZ = 0.1, 0.8


def slow_figures(count, agc):
    """Of disturbances that rise within half a minute."""
    cases, _ = drawn(count, np.random.default_rng(0))
    found = deviations(cases.damping, cases.gains, cases.up, cases.missing, HIGHEST_HZ)
    worst, end = swing(cases, agc)
    carried = found.shed_mw == 0.0
    ratio = worst[carried] / found.x_hz[carried]
    low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
    settled = carried & cases.recoverable if agc else carried
    return {
        "in band": np.mean(found.x_hz <= BAND_HZ),
        "shed": np.mean(~carried),
        "ratio, 5 %": low,
        "ratio, median": middle,
        "ratio, 95 %": high,
        "ratio, largest": ratio.max(),
        "agree on the band": np.mean((worst <= BAND_HZ) == (found.x_hz <= BAND_HZ)),
        "left after 300 s": np.abs(end - (0.0 if agc else found.x_hz))[settled].max(),
    }


def outage_figures(count):
    """Of units that trip at once; what is delivered by the nadir counts."""
    cases = outages(count, np.random.default_rng(1))
    found = deviations(cases.damping, cases.at_nadir, cases.up, cases.missing, HIGHEST_HZ)
    worst, _ = swing(cases, agc=False)
    error = np.minimum(worst, HIGHEST_HZ) - found.x_hz
    settled = deviations(cases.damping, cases.gains, cases.up, cases.missing, HIGHEST_HZ).x_hz
    full = found.x_hz < HIGHEST_HZ
    return {
        "shed": np.mean(~full),
        "error, mean of |.|": np.abs(error).mean(),
        "the same without shedding": np.abs(error)[full].mean(),
        "error, least": error.min(),
        "error, 5 %": np.quantile(error, 0.05),
        "error, 95 %": np.quantile(error, 0.95),
        "error, largest": error.max(),
        "agree on shedding": np.mean((worst >= HIGHEST_HZ) == ~full),
        "nadir over settled, median": np.median(worst[full] / settled[full]),
        "nadir over settled, largest": np.max(worst[full] / settled[full]),
    }


@pytest.mark.slow
@pytest.mark.compiled
def test_of_a_slow_disturbance_it_is_the_worst_deviation_and_where_it_ends():
    seen = slow_figures(50, agc=False)
    assert 0.3 < seen["in band"] < 0.8, "else agreement on the band says little"
    assert seen["ratio, 5 %"] >= 1.0 - 1e-9
    assert seen["ratio, median"] <= 1.02
    assert seen["ratio, 95 %"] <= 1.15
    assert seen["agree on the band"] >= 0.98
    assert seen["left after 300 s"] <= 1e-6


@pytest.mark.slow
@pytest.mark.compiled
def test_secondary_control_makes_a_slow_disturbance_smaller_and_ends_it():
    seen = slow_figures(50, agc=True)
    assert seen["ratio, 95 %"] <= 1.001
    assert 0.7 < seen["ratio, median"] < 0.95
    assert seen["agree on the band"] >= 0.94
    assert seen["left after 300 s"] <= 0.02


@pytest.mark.slow
@pytest.mark.compiled
def test_with_what_is_delivered_it_is_near_the_nadir_of_an_outage():
    seen = outage_figures(50)
    assert 0.2 < seen["shed"] < 0.8, "else agreement on shedding says little"
    assert seen["error, mean of |.|"] <= 0.05
    assert seen["agree on shedding"] >= 0.94


if __name__ == "__main__":
    for figures in (
        slow_figures(int(sys.argv[1]), agc=False),
        slow_figures(int(sys.argv[1]), agc=True),
        outage_figures(int(sys.argv[1])),
    ):
        sys.stdout.writelines(f"{name}: {value:.4g}\n" for name, value in figures.items())
