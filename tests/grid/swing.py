"""The whole swing equation with governors, as what the quasi-steady deviation is measured against.

M dx/dt = d - D x - sum of responses, forward steps of 5 ms over 300 s; Kundur (1994), ch. 11. Lags
are typical values. No function of the package is used but for the constants of its droop.
"""

from dataclasses import dataclass

import numpy as np

from p2p_market.grid.frequency import DELIVERED_BY_NADIR

STEP_S, END_S, RAMP_S = 0.005, 300.0, 30.0
INERTIA_MW_S_PER_HZ = 2.0 * 600.0 / 50.0
AGC_S = 100.0
"""Time in which secondary control replaces what the droop gives."""

# Governor or valve [s], chest, fuel or converter [s], reheater [s], share before the reheater.
LAGS = {
    "steam": (0.20, 0.30, 7.0, 0.3),
    "gas": (0.05, 0.40, 1.0, 1.0),
    "engine": (0.10, 0.50, 1.0, 1.0),
    "inverter": (0.05, 0.05, 1.0, 1.0),
    "storage": (0.05, 0.05, 1.0, 1.0),
    "load": (0.05, 0.05, 1.0, 1.0),
}
# kind, rated MW, least MW
UNITS = (
    ("steam", 30.0, 10.0), ("gas", 40.0, 0.0), ("gas", 40.0, 0.0), ("engine", 30.0, 0.0),
    ("inverter", 150.0, 0.0), ("inverter", 190.0, 0.0), ("storage", 25.0, 0.0),
    ("storage", 25.0, 0.0), ("load", 15.0, 0.0), ("load", 10.0, 0.0), ("load", 8.0, 0.0),
)  # fmt: skip
KINDS = [unit[0] for unit in UNITS]
RATED = np.array([unit[1] for unit in UNITS])
LEAST = np.array([unit[2] for unit in UNITS])
GOVERNED = np.isin(KINDS, ["steam", "gas", "engine", "inverter"])
THERMAL = np.isin(KINDS, ["steam", "gas", "engine"])
GAINS = np.where(
    GOVERNED, RATED / (0.05 * 50.0), np.where(np.isin(KINDS, ["storage"]), RATED / 0.2, RATED / 0.8)
)
DELIVERED = np.array([DELIVERED_BY_NADIR[kind] for kind in KINDS])


@dataclass(frozen=True)
class Cases:
    """Events of drawn states, (case,) and (case, unit)."""

    damping: np.ndarray
    gains: np.ndarray
    up: np.ndarray
    down: np.ndarray
    missing: np.ndarray
    ramp_s: float

    @property
    def at_nadir(self):
        return self.gains * DELIVERED

    @property
    def recoverable(self):
        """Whether secondary control has the room to replace all that is missing."""
        return np.where(THERMAL & (self.gains > 0.0), self.up, 0.0).sum(axis=1) >= self.missing


def drawn(count, generator):
    """States of the fleet with fluctuations, which rise within half a minute."""
    load = generator.uniform(40.0, 125.0, count)
    output = np.where(
        generator.random((count, len(UNITS))) < 0.6,
        LEAST + (RATED - LEAST) * generator.random((count, len(UNITS))),
        0.0,
    )
    available = np.where(THERMAL, RATED, output)
    part = generator.random((count, 2))  # wind and sun give what there is, or are curtailed
    curtailed = generator.random((count, 2)) < 0.3
    park = RATED[4:6] * generator.beta(1.0, 3.0, (count, 2))
    available[:, 4:6] = park
    output[:, 4:6] = np.where(curtailed, park * part, park)
    up = np.minimum(available - output, output)
    down = np.maximum(output - LEAST, 0.0)
    power = generator.uniform(-25.0, 25.0, (count, 2))
    power *= generator.random((count, 2)) < 0.7
    up[:, 6:8], down[:, 6:8] = power + 25.0, 25.0 - power
    empty, full = generator.random((2, count, 2)) < 0.2
    up[:, 6:8] = np.where(empty, np.maximum(power, 0.0), up[:, 6:8])
    down[:, 6:8] = np.where(full, np.maximum(-power, 0.0), down[:, 6:8])
    up[:, 8:] = RATED[8:] * generator.random((count, 3))
    down[:, 8:] = 0.0
    mean = 0.015 * load + 0.08 * park.sum(axis=1)
    missing = mean * generator.gamma(4.0, 0.25, count) * generator.uniform(0.5, 3.0, count)
    up *= generator.random((count, 1)) ** 2  # so that about half of the events leave the band
    gains = np.tile(GAINS, (count, 1)) * (output > 0.0)
    gains[:, 6:] = GAINS[6:]
    return Cases(0.02 * load, gains, up, down, missing, RAMP_S), output


def outages(count, generator):
    """The same where one thermal unit that runs trips at once."""
    cases, output = drawn(4 * count, generator)
    some = np.flatnonzero(output[:, THERMAL].any(axis=1))[:count]
    running = output[some][:, THERMAL]
    trips = np.argmax(generator.random(running.shape) * (running > 0.0), axis=1)
    rows = np.arange(count)
    gains = cases.gains[some].copy()
    gains[rows, trips] = 0.0
    up, down = cases.up[some].copy(), cases.down[some].copy()
    up[rows, trips] = down[rows, trips] = 0.0
    return Cases(cases.damping[some], gains, up, down, running[rows, trips], 0.0)


def swing(cases, agc):
    """Worst deviation until the end, and that at the end [Hz], (case,)."""
    valve, chest, reheat = np.zeros((3, *cases.gains.shape))
    first, second, third, share = np.array([LAGS[kind] for kind in KINDS]).T
    first, second, third = (STEP_S / lag for lag in (first, second, third))
    x, asked, worst = np.zeros((3, len(cases.damping)))
    stiffness = cases.damping + cases.gains.sum(axis=1)
    able = np.where(THERMAL, cases.gains, 0.0)
    parts = able / np.maximum(able.sum(axis=1, keepdims=True), 1e-12)
    for step in range(round(END_S / STEP_S)):
        reached = min(step * STEP_S / cases.ramp_s, 1.0) if cases.ramp_s else 1.0
        wish = cases.gains * x[:, None]
        if agc:
            asked = asked + STEP_S / AGC_S * stiffness * x
            wish = wish + parts * asked[:, None]
        wish = np.minimum(np.maximum(wish, -cases.down), cases.up)
        output = (share * chest + (1.0 - share) * reheat).sum(axis=1)
        x = x + STEP_S / INERTIA_MW_S_PER_HZ * (
            cases.missing * reached - cases.damping * x - output
        )
        reheat = reheat + third * (chest - reheat)
        chest = chest + second * (valve - chest)
        valve = valve + first * (wish - valve)
        worst = np.maximum(worst, x)
    return worst, x
