"""Steps that were worked out by hand."""

import numpy as np
import pytest

from p2p_market.wholesale import engine
from p2p_market.wholesale.actions import price_number
from p2p_market.wholesale.optimum.plan import bus_loads
from tests.wholesale.cases import auction, ledger, order, quiet, scenario, state

PLANTS = [(30.0, 25.0), (25.0, 30.0), (50.0, 45.0), (40.0, 65.0), (35.0, 75.0)]
BATTERIES = [(-15.0, 55.0), (10.0, 40.0)]
OFFERS = [(8.0, 80.0), (5.0, 90.0)]


@pytest.mark.parametrize(
    ("firm", "price", "output", "storages", "payment", "production"),
    [
        (120.0, 55.0, [30, 25, 50, 0, 0], [-15, 0], 6600.0, 4575.0),
        (150.0, 65.0, [30, 25, 50, 30, 0], [-15, 0], 9750.0, 6525.0),
        (80.0, 45.0, [30, 25, 25, 0, 0], [0, 0], 3600.0, 2625.0),
    ],
)
def test_a_merit_order(firm, price, output, storages, payment, production):
    done = auction(PLANTS, firm, storages=BATTERIES)
    of = scenario("auction-example-v0")
    assert done.price_eur_per_mwh[0] == price
    assert done.output_mw[0].tolist() == pytest.approx(output)
    assert done.power_mw[0].tolist() == pytest.approx(storages)
    consumers = done.entries_eur[0, sum(of.sizes[:2]) : -1, 0].sum() / of.dt_h
    assert consumers == pytest.approx(payment)
    sold = np.minimum(done.fill_mw[0], 0.0)  # what is accepted, each at its own price
    assert -sold @ done.order_eur_per_mwh[0] == pytest.approx(production)


def test_profits_of_a_merit_order():
    done = auction(PLANTS, 120.0, storages=BATTERIES)
    of = scenario("auction-example-v0")
    own = done.entries_eur[0, : of.sizes[0]]
    profits = -(own[:, 0] + own[:, 1]) / of.dt_h
    assert profits.tolist() == pytest.approx([900.0, 625.0, 500.0, 0.0, 0.0])
    renewable = done.output_mw[0, :2].sum() / done.load_mw.sum()
    assert renewable == pytest.approx(0.4583, abs=5e-5)


def test_by_how_much_payments_differ():
    of = scenario("auction-example-v0")
    paid = [
        auction(PLANTS, firm, storages=BATTERIES).entries_eur[0, sum(of.sizes[:2]) : -1, 0].sum()
        for firm in (120.0, 150.0, 80.0)
    ]
    assert paid[1] / paid[0] - 1.0 == pytest.approx(0.4773, abs=5e-5)
    assert paid[2] / paid[0] - 1.0 == pytest.approx(-0.4545, abs=5e-5)


@pytest.mark.parametrize(
    ("firm", "price", "flexible", "unsold"),
    [
        (107.0, 55.0, [8.0, 5.0], 0.0),
        (187.0, 80.0, [3.0, 5.0], 0.0),
        (197.0, 500.0, [0.0, 0.0], 2.0),
    ],
)
def test_demand_response_is_load_that_bids_its_price(firm, price, flexible, unsold):
    done = auction(PLANTS, firm, OFFERS, BATTERIES)
    assert done.price_eur_per_mwh[0] == price
    assert done.flexible_mw[0, 1:].tolist() == pytest.approx(flexible)
    units, storages, consumers = scenario("auction-example-v0").sizes
    first = 2 * units + storages
    served = done.fill_mw[0, first : first + consumers].sum()
    assert firm - served == pytest.approx(unsold)
    assert done.emergency_mw[0, units + 1] == pytest.approx(unsold)  # the other battery
    assert done.lost_mw.sum() == 0.0


def test_equal_prices_share_what_is_left():
    done = auction([(30.0, 20.0), (60.0, 20.0)], 70.0)
    assert done.price_eur_per_mwh[0] == 20.0
    assert done.output_mw[0, :2].tolist() == pytest.approx([23.333333, 46.666667], abs=1e-6)


@pytest.mark.parametrize(
    ("sells", "firm", "wanted", "price", "served"),
    [
        ([(50.0, 30.0), (40.0, 60.0)], 50.0, (20.0, 45.0), 45.0, 0.0),
        ([(50.0, 30.0), (20.0, 60.0)], 45.0, (20.0, 48.0), 48.0, 5.0),
    ],
)
def test_the_first_rejected_bid_may_set_the_price(sells, firm, wanted, price, served):
    done = auction(sells, firm, [wanted])
    assert done.price_eur_per_mwh[0] == price
    assert done.flexible_mw[0, 1] == pytest.approx(served)


def test_must_run_energy_without_a_buyer_is_dumped():
    done = auction([(20.0, 20.0), (40.0, 20.0)], 15.0, must=[20.0])
    assert done.price_eur_per_mwh[0] == -50.0
    assert done.output_mw[0, :2].tolist() == [20.0, 0.0]
    assert done.dumped_mw[0, 0] == pytest.approx(5.0)
    done = auction([(20.0, 20.0), (40.0, 20.0)], 15.0, storages=[(15.0, 10.0)], must=[20.0])
    assert done.price_eur_per_mwh[0] == 10.0
    assert done.power_mw[0, 0] == pytest.approx(5.0)
    assert done.output_mw[0, :2].tolist() == [20.0, 0.0]
    assert done.dumped_mw.sum() == 0.0


def test_without_sellers_the_price_is_the_cap_and_without_buyers_the_floor():
    assert auction([], 10.0).price_eur_per_mwh[0] == 500.0
    assert auction([(10.0, 20.0)], 0.0).price_eur_per_mwh[0] == -50.0


@pytest.mark.parametrize(
    ("level", "asked", "power", "after"),
    [
        (50.0, 25.0, 25.0, 51.97642),
        (50.0, -25.0, -25.0, 47.80397),
        (99.0, 25.0, 12.649, 100.0),
        (1.5, -25.0, -17.076, 0.0),
    ],
)
def test_a_storage_moves_within_its_level(level, asked, power, after):
    of = scenario()
    given = quiet(of, available_mw=[0, 0, 0, 0, 0, 60.0], firm_mw=[30.0, 0, 0])
    limit = 499.0 if asked > 0.0 else -49.0
    asked = order(of, share=1.0, power_mw=[asked, 0.0], limit_eur_per_mwh=limit)
    found = engine.step(of, given, state(of, given, level_mwh=level), asked)
    assert found.last.power_mw[0, 0] == pytest.approx(power, abs=5e-4)
    assert found.level_mwh[0, 0] == pytest.approx(after, abs=5e-6)


def test_must_run_and_offer_of_a_unit_with_a_ramp():
    of = scenario()
    given = quiet(of, available_mw=[30.0, 0, 0, 0, 0, 0], must_mw=[10.0, 0, 0, 0, 0, 0])
    now = state(of, given, step=1, output_mw=[20.0, 0, 0, 0, 0, 0])
    done = engine.step(of, given, now, order(of, share=0.5)).last
    assert done.low_mw[0, 0] == 17.5
    assert done.high_mw[0, 0] == 22.5
    assert -done.order_mw[0, 0] == pytest.approx(17.5)
    assert -done.order_mw[0, of.sizes[0]] == pytest.approx(2.5)


def test_reduced_load_comes_back():
    of = scenario()
    given = quiet(of, available_mw=[0, 0, 0, 0, 0, 60.0], flexible_mw=[10.0, 0, 0])
    asked = order(of, share=1.0, adjustment=[0.4, 0, 0])
    first = engine.step(of, given, engine.start(of, given), asked)
    assert first.last.flexible_mw[0, 0] == pytest.approx(6.0)
    assert first.backlog_mwh[0, 0] == pytest.approx(1.0 / 3.0)
    second = engine.step(of, given, first, order(of, share=1.0))
    assert second.last.normal_mw[0, 0] == pytest.approx(14.0)
    assert second.last.flexible_mw[0, 0] == pytest.approx(14.0)
    assert second.backlog_mwh[0, 0] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("missing", "hz", "shed"), [(12.0, 0.077419, 0.0), (30.0, 0.333333, 0.0), (40.0, 0.8, 3.4)]
)
def test_frequency_through_the_step(missing, hz, shed):
    """Oil has 5 MW of room at 12 MW/Hz, gas 10 at 16, a storage 20 at 125."""
    of = scenario()
    given = quiet(
        of,
        available_mw=[0, 20.0, 0, 10.0, 0, 0],
        firm_mw=[15.0, 0, 0],
        fluctuation_mw=missing,
        damping_mw_per_hz=2.0,
    )
    level = [20.0 * of.fleet.gain_discharge[0], 0.0]
    done = engine.step(of, given, state(of, given, level_mwh=level), order(of, share=0.5)).last
    assert done.deviation_hz[0, 0] == pytest.approx(hz, abs=5e-7)
    assert done.shed_mw[0, 0] == pytest.approx(shed)
    beyond_h = (max(0.0, hz - 0.1) + max(0.0, done.deviation_hz[0, 1] - 0.1)) * of.dt_h
    assert ledger(of, done)["frequency"] == pytest.approx(5000.0 * beyond_h, rel=1e-5)


def test_the_loss_of_a_unit_is_an_event_of_its_step():
    of = scenario()
    trips = np.zeros((1, of.steps, of.sizes[0]))
    trips[0, 0, 1] = 1.0
    given = quiet(of, available_mw=[0, 20.0, 0, 0, 0, 0], firm_mw=[15.0, 0, 0], trips=trips)
    found = engine.step(of, given, state(of, given, level_mwh=50.0), order(of, share=1.0))
    gains = 2 * 125.0 * 0.85  # both storages, as far as they have answered
    assert found.last.output_mw[0, 1] == pytest.approx(15.0)
    assert found.last.deviation_hz[0, 0] == pytest.approx(15.0 / gains)
    assert found.output_mw[0, 1] == 0.0


VOLTS = [1.0, 0.97824, 0.98099, 0.99283, 0.99645, 0.99750, 1.00230]


def test_voltages_through_the_step():
    of = scenario()
    given = quiet(
        of,
        available_mw=[200.0, 0, 0, 0, 30.0, 60.0],
        firm_mw=[45.0, 36.0, 40.0],
    )
    asked = order(
        of,
        bids=[40.0, 20.0, 20.0, 20.0, 20.0, 20.0],
        share=1.0,
        power_mw=[-10.0, 5.0],
        limit_eur_per_mwh=[-49.0, 499.0],
    )
    done = engine.step(of, given, engine.start(of, given), asked).last
    assert done.voltage_pu[0].tolist() == pytest.approx(VOLTS, abs=5e-6)
    assert done.voltage_beyond_pu.sum() == 0.0


@pytest.mark.parametrize(("tap", "beyond", "cost"), [(0, 0.04112, 68.53), (2, 0.0, 0.0)])
def test_a_tap_mends_low_voltages(tap, beyond, cost):
    of = scenario()
    given = quiet(
        of, available_mw=[300.0, 0, 0, 0, 0, 0], firm_mw=[53.0, 40.0, 42.0], high_voltage_pu=-0.03
    )
    asked = order(of, share=1.0, power_mw=25.0, limit_eur_per_mwh=499.0, tap=tap)
    done = engine.step(of, given, engine.start(of, given), asked).last
    assert done.voltage_beyond_pu.sum() == pytest.approx(beyond, abs=5e-6)
    assert ledger(of, done)["voltage"] == pytest.approx(cost, abs=5e-3)


def test_bus_loads_of_a_plan_are_those_of_the_step():
    of = scenario()
    given = quiet(of, available_mw=[200.0, 0, 0, 0, 30.0, 60.0], firm_mw=[45.0, 36.0, 40.0])
    asked = order(of, share=1.0, power_mw=[-10.0, 5.0], limit_eur_per_mwh=[-49.0, 499.0])
    done = engine.step(of, given, engine.start(of, given), asked).last
    steps = of.steps
    schedule = {
        name: np.tile(getattr(done, name), (steps, 1))
        for name in ("output_mw", "power_mw", "flexible_mw")
    }
    active, reactive = bus_loads(of, given, schedule)
    assert active[0] == pytest.approx(done.bus_mw[0])
    assert reactive[0] == pytest.approx(done.bus_mvar[0])


def test_prices_are_read_to_a_tick():
    assert float(price_number(225.0, (-49.0, 499.0))) == pytest.approx(0.0)
    assert float(price_number(-49.0, (-49.0, 499.0))) == -1.0
