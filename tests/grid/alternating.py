"""The whole AC equations of a radial feeder, as what the linear ones are measured against."""

import numpy as np

from p2p_market.grid.feeder import VOLTS


def alternating(feeder, load_kw, load_kvar, source_pu=1.0):
    """Voltage of each node [pu] by sweeps back and forth until nothing moves, (node,)."""
    line = (feeder.r_ohm + 1j * feeder.x_ohm) / (VOLTS**2 / 1000.0)  # per unit of 1 kVA
    power = load_kw + 1j * load_kvar
    voltage = np.full(len(line), source_pu, dtype=complex)
    for _ in range(200):
        before, current = voltage.copy(), np.conj(power / voltage)
        for node in range(len(line) - 1, 0, -1):
            current[feeder.parent[node]] += current[node]
        for node in range(1, len(line)):
            voltage[node] = voltage[feeder.parent[node]] - line[node] * current[node]
        if np.abs(voltage - before).max() < 1e-13:
            return np.abs(voltage)
    raise AssertionError("the sweep did not converge")


def dispatches(feeder, count, most_kw=15.0, members=16, seed=0):
    """Random loads and generation at random nodes, with the rule's power factor at worst."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        nodes = generator.choice(len(feeder.parent) - 1, members, replace=False) + 1
        power = generator.uniform(-most_kw, most_kw, members)
        yield nodes, power, generator.uniform(-0.33, 0.33, members) * np.abs(power)
