"""The proof holds, it is about this code, and it would notice if the code were wrong."""

from collections import namedtuple
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from p2p_market.assets import node
from p2p_market.assets.viability import level_floor
from p2p_market.community.records import Action
from p2p_market.community.safety import feasibility

z3 = pytest.importorskip("z3")

from tests.community.safety import action_theorems, device_theorems, proof  # noqa: E402

POINTS = 200
SAFETY_PAGE = Path(__file__).parents[3] / "docs" / "safety.md"
SINGLE = device_theorems.DEVICE_THEOREMS + action_theorems.TOGETHER + action_theorems.ORDER_THEOREMS
ALL = [(theorem, ()) for theorem in SINGLE] + [
    (theorem, (devices,)) for theorem in action_theorems.CONNECTION_THEOREMS for devices in (1, 2)
]
NAMES = ["-".join([theorem.__name__, *map(str, count)]) for theorem, count in ALL]


@pytest.mark.compiled
@pytest.mark.parametrize(("theorem", "devices"), ALL, ids=NAMES)
def test_theorem(theorem, devices):
    proof.prove(theorem(*devices))


@pytest.mark.compiled
@pytest.mark.parametrize(("theorem", "devices"), ALL, ids=NAMES)
def test_premises_can_be_met(theorem, devices):
    """Otherwise anything would follow from them."""
    assert proof.check(*theorem(*devices).premises) is not None


def test_the_safety_page_lists_every_theorem():
    page = SAFETY_PAGE.read_text(encoding="utf-8")
    for theorem in SINGLE + action_theorems.CONNECTION_THEOREMS:
        assert f"`{theorem.__name__}`" in page


# The proof is about this code: formulas and kernels agree at random points.


def rational(generator, low, high, parts=16):
    """A random number of whole sixteenths: exact as a float, and often exactly on a bound."""
    return Fraction(int(generator.integers(low * parts, high * parts, endpoint=True)), parts)


def exact(number):
    return z3.Q(number.numerator, number.denominator)


def value(expression):
    """An expression without variables as a float; z3 computes exactly."""
    return float(
        z3.simplify(z3.ToReal(expression) if expression.is_int() else expression).as_fraction()
    )


# What a kernel reads of the rules, of what is outside, and of a proposal.
Connection, Prices = (
    namedtuple("Connection", ["nodes", "connection_limit_kw"]),
    namedtuple("Prices", ["tick", "price_max", "loss_share"]),
)
Stores = namedtuple("Stores", ["machines"])
House, Around = (
    namedtuple("House", ["load_kw", "pv_kw"]),
    namedtuple("Around", ["floor", "cap", "grid"]),
)
Asked, Order = (
    namedtuple("Asked", ["setpoint_kw"]),
    namedtuple("Order", ["quantity_kw", "price_eur_per_kwh"]),
)


def random_device(generator):
    """Parameters in the order of `proof.Device`; now and then away, fixed, full or empty."""
    e_max = rational(generator, 0, 20)
    energy = min(e_max, rational(generator, 0, 25))
    floor = generator.choice([Fraction(0), min(e_max, rational(generator, 0, 25))])
    retention = Fraction(int(generator.integers(1, 16, endpoint=True)), 16)
    gains = [Fraction(int(generator.integers(1, 32)), 16) for _ in range(2)]
    p_min, p_max = -rational(generator, 0, 10), rational(generator, 0, 10)
    if generator.random() < 0.1:
        p_min = p_max = Fraction(0)
    plugged = Fraction(int(generator.random() < 0.8))
    return [energy, plugged, floor, retention, *gains, e_max, p_min, p_max]


def test_limits_and_level_agree_with_the_kernels():
    generator = np.random.default_rng(1)
    for _ in range(POINTS):
        numbers = random_device(generator)
        device = proof.Device(*map(exact, numbers))
        energy, plugged, floor, *rest = (np.full((1, 1, 1), float(number)) for number in numbers)
        retention, charge, discharge, e_max, p_min, p_max = (array[0] for array in rest)
        low, high, level, shortfall = np.empty((4, 1, 1, 1))
        # Wide bounds, so that the kernel's guard against rounding has nothing to do.
        wide, target, trip = np.full((1, 1), 1e9), *(rational(generator, 0, 9) for _ in range(2))
        leaves = float(generator.random() < 0.5)
        nodes = node.Coefficients.Arrays(
            plugged[0], retention, charge, discharge, -wide, e_max, p_min, p_max, wide,
            np.full((1, 1), float(target)),
        )  # fmt: skip
        leaving = np.full((1, 1, 1), leaves), np.full((1, 1, 1), float(trip))
        presence = node.Presence.Arrays(plugged, floor, *leaving)
        node.limits_kernel(nodes, presence, energy, np.zeros((1, 1, 1)), node.Limits(low, high))
        limits = proof.power_limits(device)
        assert low.item() == pytest.approx(value(limits.low), abs=1e-9)
        assert high.item() == pytest.approx(value(limits.high), abs=1e-9)
        power = rational(generator, -10, 10)
        nodes, moved = nodes._replace(energy_max_kwh=wide), np.full((1, 1, 1), float(power))
        node.advance_kernel(nodes, presence, energy, moved, level, shortfall)
        expected = proof.next_level(device, exact(power))
        if leaves:
            left = proof.departure(expected, exact(target), exact(trip))
            expected = left.level
            assert shortfall.item() == pytest.approx(value(left.shortfall), abs=1e-9)
        assert level.item() == pytest.approx(value(expected), abs=1e-9)


def test_tube_agrees_with_the_code():
    generator = np.random.default_rng(2)
    for _ in range(POINTS // 10):
        start, target, power, gain = (rational(generator, 0, high) for high in (9, 15, 4, 1))
        steps = int(generator.integers(1, 12))
        theirs = level_floor(float(start), float(target), float(power), float(gain), steps)
        terms = [exact(number) for number in (start, target, power * gain)]
        ours = [
            value(proof.level_floor(*terms, z3.RealVal(after), z3.RealVal(steps)))
            for after in range(1, steps + 1)
        ]
        np.testing.assert_allclose(theirs, ours, atol=1e-9, rtol=0.0)


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_connection_agrees_with_the_kernel(devices):
    generator = np.random.default_rng(3)
    cut = np.zeros(2)
    for _ in range(POINTS):
        proposal = [rational(generator, -20, 20) for _ in range(devices)]
        bounds = [sorted(rational(generator, -10, 10) for _ in "ab") for _ in range(devices)]
        load, pv, limit = (rational(generator, 0, high) for high in (12, 12, 9))
        home = action_theorems.Prosumer(
            [exact(p) for p in proposal],
            [proof.Range(exact(low), exact(high)) for low, high in bounds],
            *map(exact, (load, pv, limit)),
        )
        setpoint, power = np.empty((1, 1, devices)), np.empty((5, 1, 1))
        limits = node.Limits(*np.array(bounds, dtype=float).T[:, None, None].copy())
        outside = House(np.array([[float(load)]]), np.array([[float(pv)]]))
        asked, out = Asked(np.array([[proposal]], dtype=float)), Action.Arrays(setpoint, *power)
        feasibility.connection_kernel(
            Connection(Stores(None), float(limit)), outside, asked, limits, out
        )
        result = home.filtered()
        ours = [value(p) for p in (*result.setpoint, result.curtailed, result.shed, result.net)]
        np.testing.assert_allclose([*setpoint.flat, *power[:3].flat], ours, atol=1e-9, rtol=0.0)
        cut += power[:2, 0, 0] > 0.0
    assert cut.min() > POINTS / 20  # both kinds have been seen


@pytest.mark.parametrize("tick", [1.0, 0.25, 0.001])
def test_order_agrees_with_the_kernel(tick):
    """With any tick; prices in sevenths of a tick stay away from halves, where rounding decides."""
    generator = np.random.default_rng(4)
    traded = 0
    for _ in range(POINTS):
        quantity, net = (rational(generator, -9, 9) for _ in range(2))
        price, top = rational(generator, -3, 12, parts=7), rational(generator, 0, 10, parts=7)
        floor, cap = (int(generator.integers(-2, 12)) for _ in range(2))
        wish = (*map(exact, (quantity, price, net)), z3.IntVal(floor), z3.IntVal(cap), exact(top))
        ours = proof.order(*wish)
        nothing, out_quantity, out_price = np.empty((3, 1, 1))
        order = Order(*(np.array([[float(n)]]) for n in (quantity, price * Fraction(tick))))
        around = Around(*(np.array([[level * tick]]) for level in (floor, cap)), np.ones(1))
        owned = np.array([[float(net)]])
        out = Action.Arrays(nothing[..., None], nothing, nothing, owned, out_quantity, out_price)
        feasibility.order_kernel(Prices(tick, float(top) * tick, 0.1), around, order, out)
        assert out_quantity.item() == pytest.approx(value(ours.quantity), abs=1e-9)
        assert out_price.item() / tick == pytest.approx(value(ours.price), abs=1e-9)
        traded += out_quantity.item() != 0.0
    assert traded > POINTS / 10


# The proof would notice: formulas that are slightly wrong, and premises that are left out.


def limits_without_leak(device):
    return TRUE["power_limits"](device._replace(retention=z3.RealVal(1)))


def limits_with_gains_swapped(device):
    return TRUE["power_limits"](device._replace(charge=device.discharge, discharge=device.charge))


def limits_without_floor(device):
    return TRUE["power_limits"](device._replace(floor=z3.RealVal(0)))


def limits_of_absent_devices_forgotten(device):
    return TRUE["power_limits"](device._replace(plugged=z3.RealVal(1)))


def excess_seen_once(proposal, ranges, load, pv, limit, tolerance=None):
    """Every device answers to the excess before the first has moved."""
    own = [proof.clip(p, *bounds) for p, bounds in zip(proposal, ranges, strict=True)]
    over = proof.excess(load - pv + z3.Sum(own), limit, z3.RealVal(0))
    moved = [proof.clip(p - over, *bounds) for p, bounds in zip(own, ranges, strict=True)]
    return TRUE["connection"](moved, ranges, load, pv, limit, tolerance)


def cuts_before_storage(proposal, ranges, load, pv, limit, tolerance=None):
    own = [proof.clip(p, *bounds) for p, bounds in zip(proposal, ranges, strict=True)]
    net, zero = load - pv + z3.Sum(own), z3.RealVal(0)
    over = proof.excess(net, limit, zero)
    cut = proof.most(-over, zero), proof.most(over, zero)
    return proof.Connected(own, *cut, proof.clip(net, -limit, limit))


def net_load_not_clipped(proposal, ranges, load, pv, limit, tolerance=None):
    result = TRUE["connection"](proposal, ranges, load, pv, limit, tolerance)
    return result._replace(net=load - pv + z3.Sum(result.setpoint))


def order_despite_floor_above_cap(quantity, price, net, floor, cap, top):
    zero = z3.RealVal(0)
    inside = proof.clip(quantity, proof.least(net, zero), proof.most(net, zero))
    return TRUE["order"](quantity, price, net, floor, cap, top)._replace(quantity=inside)


def order_rounded_down(quantity, price, net, floor, cap, top):
    return TRUE["order"](quantity, price - z3.Q(1, 2), net, floor, cap, top)


def order_rounded_up(quantity, price, net, floor, cap, top):
    return TRUE["order"](quantity, price + z3.Q(1, 2), net, floor, cap, top)


def order_of_any_size(quantity, price, net, floor, cap, top):
    return TRUE["order"](quantity, price, net, floor, cap, top)._replace(quantity=quantity)


TRUE = {name: getattr(proof, name) for name in ("power_limits", "connection", "order")}

WRONG = [
    ("power_limits", limits_without_leak, device_theorems.battery_stays_in_bounds, ()),
    ("power_limits", limits_with_gains_swapped, device_theorems.battery_stays_in_bounds, ()),
    ("power_limits", limits_without_floor, device_theorems.level_stays_in_tube, ()),
    (
        "power_limits",
        limits_of_absent_devices_forgotten,
        device_theorems.battery_stays_in_bounds,
        (),
    ),
    ("power_limits", limits_without_leak, device_theorems.power_is_nearest, ()),
    ("power_limits", limits_without_leak, device_theorems.tube_is_viable, ()),
    ("power_limits", limits_without_leak, action_theorems.device_and_connection_together, ()),
    ("connection", excess_seen_once, action_theorems.setpoints_are_nearest, (2,)),
    ("connection", cuts_before_storage, action_theorems.storage_moves_first, (1,)),
    ("connection", cuts_before_storage, action_theorems.cuts_are_least, (2,)),
    ("connection", net_load_not_clipped, action_theorems.connection_is_respected, (1,)),
    ("order", order_despite_floor_above_cap, action_theorems.order_is_admissible, ()),
    ("order", order_rounded_down, action_theorems.price_is_nearest, ()),
    ("order", order_rounded_up, action_theorems.order_twice, ()),
    ("order", order_of_any_size, action_theorems.order_is_admissible, ()),
]


def assert_refuted(theorem):
    """The solver names a point, and at this point the premises hold and the claim does not."""
    with pytest.raises(proof.RefutedError) as caught:
        proof.prove(theorem)
    point = caught.value.counterexample
    for premise in theorem.premises:
        assert z3.is_true(point.eval(premise, model_completion=True))
    assert z3.is_false(point.eval(theorem.claim, model_completion=True))


@pytest.mark.parametrize(
    ("formula", "wrong", "theorem", "devices"),
    WRONG,
    ids=[f"{wrong.__name__}-{theorem.__name__}" for _, wrong, theorem, _ in WRONG],
)
def test_a_wrong_formula_is_refuted(monkeypatch, formula, wrong, theorem, devices):
    for room in (device_theorems, action_theorems):
        monkeypatch.setattr(room, formula, wrong, raising=False)
    assert_refuted(theorem(*devices))


def test_a_floor_out_of_reach_is_missed():
    theorem = device_theorems.level_stays_in_tube()
    assert_refuted(theorem._replace(premises=theorem.premises[:-1]))


def test_a_second_vehicle_may_shed_load_that_is_not_there():
    """Why a member has one vehicle at most: two tubes both count on the free power."""
    home, given = action_theorems.any_prosumer(2)
    peak, result = z3.Real("peak"), home.filtered()
    tubes = [home.load <= peak, peak <= home.limit]
    tubes += [bounds.low <= home.limit - peak for bounds in home.ranges]
    assert_refuted(proof.Theorem([*given, *tubes], result.shed <= home.load))


def test_a_cap_between_ticks_would_need_filtering_twice(monkeypatch):
    """Why retail prices, fees and carbon cost are rounded to ticks at reset."""
    wish = action_theorems.Wish(*proof.reals("quantity price net floor cap top"))
    monkeypatch.setattr(action_theorems, "any_wish", lambda: (wish, [wish.top >= 0]))
    assert_refuted(action_theorems.order_twice())
