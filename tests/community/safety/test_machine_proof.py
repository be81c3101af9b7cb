"""The proof about machines holds, it is about this code, and it would notice a wrong formula."""

from fractions import Fraction

import numpy as np
import pytest

from p2p_market.assets import machine as code
from p2p_market.assets import node
from p2p_market.community.safety import feeder

z3 = pytest.importorskip("z3")

from tests.community.safety import machine_proof, machine_theorems, proof  # noqa: E402
from tests.community.safety.test_proof import (  # noqa: E402
    POINTS,
    SAFETY_PAGE,
    assert_refuted,
    exact,
    rational,
    value,
)

THEOREMS = machine_theorems.MACHINE_THEOREMS
NAMES = [theorem.__name__ for theorem in THEOREMS]


@pytest.mark.compiled
@pytest.mark.parametrize("theorem", THEOREMS, ids=NAMES)
def test_theorem(theorem):
    proof.prove(theorem())


@pytest.mark.compiled
@pytest.mark.parametrize("theorem", THEOREMS, ids=NAMES)
def test_premises_can_be_met(theorem):
    assert proof.check(*theorem().premises) is not None


def test_the_safety_page_lists_every_theorem():
    page = SAFETY_PAGE.read_text(encoding="utf-8")
    assert not [name for name in NAMES if f"`{name}`" not in page]


def one(number):
    return np.full((1, 1, 1), float(number))


def random_machine(generator):
    """Numbers in the order of `Machine`; now and then away, without a least load or a ramp."""
    top = rational(generator, 0, 20)
    energy, floor = (min(top, rational(generator, 0, 25)) for _ in range(2))
    floor = generator.choice([Fraction(0), floor])
    retention = Fraction(int(generator.integers(1, 16, endpoint=True)), 16)
    gains = [Fraction(int(generator.integers(1, 48)), 16) for _ in range(2)]
    p_min, p_max = -rational(generator, 0, 10), rational(generator, 0, 10)
    steps = generator.random() < 0.5
    on = [rational(generator, 0, 5) if steps else Fraction(0) for _ in range(2)]
    ramp = generator.choice([Fraction(1000), rational(generator, 0, 12)])
    plugged = Fraction(int(generator.random() < 0.9))
    moved = [rational(generator, -10, 10), rational(generator, -10, 10)]
    fixed = [energy, plugged, floor, top, retention, moved[0], *gains, p_min, p_max]
    taper = generator.choice([Fraction(0), rational(generator, 0, 2)])
    return [*fixed, *on, ramp, moved[1], taper, top, Fraction(code.ALMOST)]


def coefficients_of(machine):
    """What the kernels take for the numbers of a machine, and what moves it."""
    own = {
        name: one(number)
        for name, number in zip(machine_proof.Machine._fields, machine, strict=True)
    }
    none, full = np.zeros((1, 1)), np.ones((1, 1, 1))
    fixed = code.MachineCoefficients.Arrays(
        own["charge_on"][0], own["discharge_on"][0], own["ramp"][0], *[none] * 7,
        own["taper"][0], none,
    )  # fmt: skip
    world = code.World.Arrays(own["drift"], full, full, full, own["top"])
    nodes = node.Coefficients.Arrays(
        own["plugged"][0], own["retention"][0], own["charge"][0], own["discharge"][0], none,
        own["full"][0], own["p_min"][0], own["p_max"][0], none, none, fixed,
    )  # fmt: skip
    presence = node.Presence.Arrays(own["plugged"], own["floor"], 0.0 * full, 0.0 * full, world)
    return own, nodes, presence


def test_limits_levels_and_what_keeps_them_agree_with_the_kernels():
    generator = np.random.default_rng(5)
    forced = stepped = 0
    for _ in range(POINTS):
        numbers = random_machine(generator)
        ours = machine_proof.Machine(*map(exact, numbers))
        own, nodes, presence = coefficients_of(numbers)
        limits = node.Limits(*np.empty((2, 1, 1, 1)))
        node.limits_kernel(nodes, presence, own["energy"], own["before"], limits)
        expected = machine_proof.machine_limits(ours)
        assert limits.low.item() == pytest.approx(value(expected.low), abs=1e-9)
        assert limits.high.item() == pytest.approx(value(expected.high), abs=1e-9)
        keep = code.keeping(nodes, presence, own["energy"].item(), 0, 0, 0)
        assert keep == pytest.approx(value(machine_proof.keeping(ours)), abs=1e-9)
        power = rational(generator, -10, 10)
        device = code.device(nodes, nodes.machines, presence.world, 0, 0, 0)
        level = code.after_step(nodes, device, 0, 0, own["energy"].item(), float(power))
        assert level == pytest.approx(value(machine_proof.after_step(ours, exact(power))), abs=1e-9)
        forced += limits.low.item() > 0.0
        stepped += bool(numbers[10] or numbers[11])
    assert min(forced, stepped) > POINTS / 20


def test_wishes_and_slowing_down_agree_with_the_kernels():
    generator = np.random.default_rng(6)
    for _ in range(POINTS):
        numbers = random_machine(generator)
        ours = machine_proof.Machine(*map(exact, numbers))
        _, nodes, _ = coefficients_of(numbers)
        bounds = (
            value(low := machine_proof.machine_limits(ours).low),
            value(high := machine_proof.machine_limits(ours).high),
        )
        wish, limits = rational(generator, -12, 12), proof.Range(low, high)
        inside = min(max(float(wish), bounds[0]), bounds[1])
        power = code.snapped(inside, float(numbers[10]), float(numbers[11]), 0.5)
        expected = machine_proof.filtered(ours, exact(wish), limits)
        assert power == pytest.approx(value(expected), abs=1e-9)
        ends = [np.full((1, 1), end) for end in bounds]
        above = power - value(machine_proof.resting(limits))
        if above == 0.0:
            continue
        setpoint, share = np.full((1, 1), power), Fraction(int(generator.integers(1, 9)), 8)
        sign, share = np.sign(above), min(share, Fraction(1))
        excess = float(share) * abs(above)
        feeder._slow_down(nodes.machines, excess, sign, *ends, setpoint)
        less = machine_proof.slowed(ours, expected, limits, exact(share))
        assert setpoint.item() == pytest.approx(value(less), abs=1e-9)


# The proof would notice.


def changed(**values):
    """Limits of a machine of which something is forgotten."""
    numbers = {name: z3.RealVal(number) for name, number in values.items()}
    return lambda machine: TRUE["machine_limits"](machine._replace(**numbers))


def top_forces(machine):
    """As for plain stores: who is above the top must get rid of it."""
    low, high = TRUE["machine_limits"](machine)
    down = (machine.top - machine.kept) / machine.discharge
    return proof.Range(low, z3.If(machine.kept > machine.top, proof.most(down, low), high))


def always_running(power, machine, share):
    return TRUE["snapped"](power, machine, z3.RealVal(0))


def standing_still(limits):
    return z3.RealVal(0)


def any_share(machine, power, limits, share):
    return power - share * (power - TRUE["resting"](limits))


TRUE = {
    name: getattr(machine_proof, name)
    for name in ("machine_limits", "snapped", "resting", "slowed", "keeping")
}
WRONG = [
    ("machine_limits", changed(drift=0), machine_theorems.machine_powers_are_the_admissible),
    ("machine_limits", changed(retention=1), machine_theorems.nothing_is_bought_to_be_stored),
    ("machine_limits", changed(ramp=10**9), machine_theorems.ramps_are_kept_and_stopping_is_free),
    ("machine_limits", changed(charge_on=0), machine_theorems.limits_are_apart),
    ("machine_limits", top_forces, machine_theorems.machine_powers_are_the_admissible),
    ("machine_limits", top_forces, machine_theorems.ramps_are_kept_and_stopping_is_free),
    ("snapped", always_running, machine_theorems.machine_wish_is_filtered_to_the_nearest),
    ("snapped", always_running, machine_theorems.line_is_kept_or_machines_rest),
    ("resting", standing_still, machine_theorems.rest_is_nearest_to_standstill),
    ("resting", standing_still, machine_theorems.slowed_machine_stays_allowed),
    ("slowed", any_share, machine_theorems.slowed_machine_stays_allowed),
    ("keeping", standing_still, machine_theorems.kept_power_is_nearest_to_standstill),
]


@pytest.mark.parametrize(
    ("formula", "wrong", "theorem"),
    WRONG,
    ids=[f"{number}-{theorem.__name__}" for number, (_, _, theorem) in enumerate(WRONG)],
)
def test_a_wrong_formula_is_refuted(monkeypatch, formula, wrong, theorem):
    for room in (machine_proof, machine_theorems):
        monkeypatch.setattr(room, formula, wrong, raising=False)
    assert_refuted(theorem())


LEAKY = {
    "energy": 4, "retention": z3.Q(1, 2), "plugged": 1, "floor": 3, "top": 9, "charge": 1,
    "discharge": 1, "full": 9,
}  # fmt: skip
"""A store that cannot move, of which half is gone in a step."""


def test_a_level_that_leaks_below_the_least_buys_more_than_the_world_takes():
    """Why a leak and a least level are refused together."""
    theorem = machine_theorems.nothing_is_bought_to_be_stored()
    premises = [one for one in theorem.premises if "e_min <= retention" not in str(one)]
    assert len(premises) == len(theorem.premises) - 1
    numbers = dict.fromkeys(machine_proof.Machine._fields, 0) | LEAKY
    premises += [z3.Real(f"{name}_0") == number for name, number in numbers.items()]
    premises += [z3.Real("e_min") == 3, z3.Real("power") == 0]
    assert_refuted(theorem._replace(premises=premises))
