"""What a stored kWh is worth in a machine: by hand, and against enumeration."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.storage_value.machine import Running, World
from baselines.community.storage_value.value import (
    CELLS,
    Device,
    Offer,
    Tariff,
    best_power,
    floor_of,
    one_step_earlier,
)

FREE = Running(*np.zeros((8, 1)))


def one(value: float) -> np.ndarray:
    return np.array([value])


def machine(running: Running = FREE, eta: float = 1.0) -> Device:
    """20 kWh in cells of one kWh, hourly."""
    return Device(1.0, *(one(value) for value in (0.0, 20.0, 1.0, eta, 1.0, 0.0)), running)


def priced(**prices: float) -> Running:
    return replace(FREE, **{name: one(value) for name, value in prices.items()})


def world(drift: float, share: float = 1.0, top: float = 20.0) -> World:
    return World(one(drift), one(share), one(top), one(max(drift, 0.0)))


def offer(moved: World, low: float, high: float, price: float = 0.3, stood: float = 0.0) -> Offer:
    """Power at one price, whatever the net load."""
    tariff = Tariff(np.array([[0.0]]), np.array([[price, price]]))
    return Offer(tariff, one(0.0), one(low), one(high), moved, one(stood))


def cells(*blocks: tuple[int, float]) -> np.ndarray:
    assert sum(count for count, _ in blocks) == CELLS
    return np.concatenate([np.full(count, value) for count, value in blocks])[None]


WORTHLESS = cells((20, 0.0))


def test_heat_is_worth_what_it_replaces():
    """8 kWh are taken: 6 can be made by a pump with factor 3 at 0.30, 2 are bought at 0.60."""
    pump = machine(priced(missing_eur_per_kwh=0.6))
    taken = offer(world(-8.0, share=3.0), 0.0, 2.0)
    value = one_step_earlier(pump, WORTHLESS, taken)
    np.testing.assert_allclose(value, cells((2, 0.6), (6, 0.1), (12, 0.0)))


def test_what_does_not_fit_is_spilled():
    """5 kWh flow in and at most 2 are used: 17 kWh would rest, and above 17 all is lost."""
    turbine = machine()
    filled = offer(world(5.0), -2.0, 0.0)
    value = one_step_earlier(turbine, cells((20, 0.1)), filled)
    np.testing.assert_allclose(value, cells((17, 0.1), (3, 0.0)))


def test_room_that_is_filled_costs_the_boiler():
    """A store of room: 4 kWh of demand fill it, spilling costs 0.08, running costs more."""
    engine = machine(priced(spilled_eur_per_kwh=0.08, discharge_eur_per_kwh=0.5))
    value = one_step_earlier(engine, cells((20, -0.02)), offer(world(4.0), -2.0, 0.0))
    np.testing.assert_allclose(value, cells((16, -0.02), (4, -0.08)))


def test_work_is_worth_nothing_above_its_top():
    job = machine(priced(missing_eur_per_kwh=1.0))
    value = one_step_earlier(job, cells((20, 0.4)), offer(world(0.0, top=6.0), 0.0, 0.0))
    np.testing.assert_allclose(value, cells((6, 0.4), (14, 0.0)))


@pytest.mark.parametrize(
    ("level", "power", "stood"),
    [
        (1.0, 5.0, 0.0),  # 4 kWh would be missing at 0.60
        (6.0, 0.0, 0.0),
        (4.5, 0.0, 0.0),  # half a kWh is no reason to run at the least load
        (3.0, 5.0, 0.0),
        (3.0, 0.0, 1.0),  # nor are two for a start
    ],
)
def test_a_least_load_runs_or_stands_still(level, power, stood):
    pump = machine(priced(missing_eur_per_kwh=0.6, charge_on_kw=5.0, start_eur=2.0))
    now = offer(world(-5.0), 0.0, 8.0, price=0.2, stood=stood)
    chosen, _ = best_power(pump, one(level), WORTHLESS, now)
    assert chosen[0] == pytest.approx(power)


@pytest.mark.parametrize(
    ("keep", "power", "worth"), [(5.0, 5.0, 0.6), (1.0, 2.0, 0.0), (0.0, 0.0, 0.0)]
)
def test_what_is_announced_is_filled_in_time(keep, power, worth):
    """A truck larger than usual: 3 + 5 kWh must be in the tank, or it is bought at 0.60."""
    plant = machine(priced(missing_eur_per_kwh=0.6, charge_on_kw=2.0))
    now = offer(world(0.0), 0.0, 8.0, price=0.2)
    floor = floor_of(plant, one(3.0), now.world, one(keep))
    chosen, value = best_power(plant, one(3.0), WORTHLESS, replace(now, floor_kwh=floor))
    assert chosen[0] == pytest.approx(power)
    assert value[0] == pytest.approx(worth)


def test_a_machine_that_is_forced_needs_no_floor():
    plant = machine(priced(missing_eur_per_kwh=0.6))
    assert floor_of(plant, one(3.0), world(0.0), one(5.0)) == 0.0


def test_what_a_missing_kwh_costs_is_the_price_of_the_order():
    pump = machine(priced(missing_eur_per_kwh=0.6))
    chosen, value = best_power(pump, one(0.0), WORTHLESS, offer(world(-5.0), 0.0, 3.0))
    assert chosen[0] == pytest.approx(3.0)
    assert value[0] == pytest.approx(0.6)


def cost_eur(device: Device, level: np.ndarray, later: np.ndarray, step: Offer) -> np.ndarray:
    """Cheapest step by trying four thousand powers, as in the docstrings alone."""
    running, moved = device.running, step.world
    price = step.tariff.price_eur_per_kwh[0, 0]
    power = np.linspace(step.low_kw[0], step.high_kw[0], 4001)
    gain = np.where(power > 0.0, device.charge_gain_h[0] * moved.charge_share[0], 1.0)
    after = level[:, None] + moved.drift_kwh[0] + gain * power
    bought, spilled = np.maximum(-after, 0.0), np.maximum(after - 20.0, 0.0)
    possible = (bought <= max(-moved.drift_kwh[0], 0.0) + 1e-9) & (
        spilled <= max(moved.drift_kwh[0], 0.0) + 1e-9
    )
    after = np.clip(after, 0.0, 20.0)
    stored = np.concatenate([[0.0], np.cumsum(later[0])])
    extra = np.where(power > 0.0, running.charge_eur_per_kwh[0], running.discharge_eur_per_kwh[0])
    total = (
        price * power
        + extra * np.abs(power)
        + running.missing_eur_per_kwh[0] * bought
        + running.spilled_eur_per_kwh[0] * spilled
        + running.hold_eur_per_kwh[0] * after
        - np.interp(after, np.arange(CELLS + 1.0), stored)
    )
    return np.where(possible, total, np.inf).min(axis=1)


@pytest.mark.parametrize("seed", range(8))
def test_the_value_is_what_enumeration_finds(seed):
    draws = np.random.default_rng(seed)
    running = priced(
        charge_eur_per_kwh=draws.uniform(0.0, 0.05),
        discharge_eur_per_kwh=draws.uniform(-0.05, 0.1),
        hold_eur_per_kwh=draws.uniform(0.0, 0.01),
        missing_eur_per_kwh=draws.uniform(0.7, 1.0),
        spilled_eur_per_kwh=draws.uniform(0.0, 0.1),
    )
    device = machine(running, draws.uniform(0.5, 1.0))
    later = -np.sort(-draws.uniform(0.0, 0.6, (1, CELLS)))
    step = offer(
        world(draws.uniform(-6.0, 6.0), draws.uniform(0.5, 1.0)),
        -draws.uniform(0.0, 6.0),
        draws.uniform(0.0, 6.0),
        draws.uniform(0.1, 0.5),
    )
    found = cost_eur(device, np.arange(CELLS + 1.0), later, step)
    np.testing.assert_allclose(one_step_earlier(device, later, step)[0], -np.diff(found), atol=4e-3)
