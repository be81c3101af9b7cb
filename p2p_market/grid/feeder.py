"""Voltages along a radial feeder as a linear function of the net loads at its nodes.

    w_i = v_0^2 - 2 / base * sum_j (R_ij P_j + X_ij Q_j)

w is the square of the voltage [pu], P and Q the net load and the reactive power of a member,
positive into it, R_ij and X_ij the resistance and reactance of the lines that i and j share on
their way to the source. At low voltage powers are kW and kvar, R and X ohm, and the base is
400^2 / 1000; in a net given per unit powers are MW and Mvar, R and X pu, and the base is its power
[MVA]. Three balanced phases; without losses, so w is
never below that of the whole AC equations, and without phase angles. Source: Baran and Wu (1989),
"Network reconfiguration in distribution systems for loss reduction and load balancing", IEEE Trans.
Power Delivery 4(2), doi:10.1109/61.25627: simplified DistFlow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.data.dataset import FeederData
from p2p_market.errors import ArgumentError
from p2p_market.records import FloatArray, IntArray, Record, for_kernels

VOLTS: Final = 400.0
"""Between two phases at one per unit."""

BAND_PU: Final = (0.97, 1.03)
"""What a low-voltage feeder may use of the +-10 % of EN 50160: the grid above it needs the rest."""

ROUNDING_PU2: Final = 1e-12
"""A violation below this is rounding: acting on it would make correcting twice differ from once."""

SHORT_CIRCUIT: Final = (0.013, 0.04)
"""Relative resistance and impedance of a distribution transformer, u_r and u_k; typical."""


@for_kernels
@dataclass(frozen=True, slots=True)
class LinearFlow(Record):
    """What voltages need of a feeder, for members at their nodes; kernels and optimum read it.

    Voltages are seen where members are connected, which is where EN 50160 holds.
    """

    drop_per_active: FloatArray  # (member i, member j), fall of w at i for a kW or MW into j [pu^2]
    drop_per_reactive: FloatArray  # the same for a kvar or Mvar
    source_pu2: float  # w before the first line, or before the transformer
    lowest_pu2: float  # of the band
    highest_pu2: float


Flow = LinearFlow | Any
"""The record, or what kernels take for it."""


def common_path(parent: IntArray, per_line: FloatArray) -> FloatArray:
    """Sum over the lines that two nodes share on their way to node 0, (node, node).

    Args:
        parent: of each node, -1 for node 0; parents stand before their children.
        per_line: of the line to the parent, (node,); nothing is read for node 0.
    """
    shared = np.zeros((len(parent), len(parent)))
    for node in range(1, len(parent)):
        above = parent[node]
        shared[node, :node] = shared[:node, node] = shared[above, :node]
        shared[node, node] = shared[above, above] + per_line[node]
    return shared


def transformer_ohm(rating_kva: float) -> tuple[float, float]:
    """Resistance and reactance of a transformer, seen from its low-voltage side [ohm]."""
    base = VOLTS * VOLTS / (1000.0 * rating_kva)
    resistance, impedance = (share * base for share in SHORT_CIRCUIT)
    return resistance, math.sqrt(impedance * impedance - resistance * resistance)


def linear_flow(
    feeder: FeederData,
    nodes: Sequence[int] | IntArray,
    band_pu: tuple[float, float] = BAND_PU,
    source_pu: float = 1.0,
    transformer: bool = False,
) -> LinearFlow:
    """The voltages of members on a feeder.

    Args:
        feeder: its lines.
        nodes: where the members are, (member,); several may share a node.
        band_pu: lowest and highest voltage that is no violation.
        source_pu: voltage before the first line.
        transformer: that voltage is held above the transformer, which is then in series.

    Raises:
        ValueError: if the band is none, or the source lies outside it.
    """
    low, high = band_pu
    if not 0.0 < low <= source_pu <= high:
        raise ValueError(
            f"voltage band {low:g} to {high:g} pu, source {source_pu:g} pu; the source must lie in "
            "the band, or nobody could mend its voltage"
        )
    extra = transformer_ohm(feeder.transformer_kva) if transformer else (0.0, 0.0)
    own, per_ohm_kw = np.asarray(nodes), 2000.0 / VOLTS**2
    resistance, reactance = (
        (common_path(feeder.parent, ohm)[np.ix_(own, own)] + more) * per_ohm_kw
        for ohm, more in zip((feeder.r_ohm, feeder.x_ohm), extra, strict=True)
    )
    return LinearFlow(resistance, reactance, source_pu**2, low**2, high**2)


def per_unit_flow(
    parent: IntArray,
    r_pu: FloatArray,
    x_pu: FloatArray,
    base_mva: float,
    band_pu: tuple[float, float],
) -> LinearFlow:
    """The voltages of all nodes of a radial net that is given per unit; powers are MW and Mvar.

    Args:
        parent: of each node, -1 for node 0; parents stand before their children.
        r_pu: resistance of the line to the parent, (node,); nothing is read for node 0.
        x_pu: reactance likewise.
        base_mva: power that is one per unit [MVA].
        band_pu: lowest and highest voltage that is no violation.

    Returns:
        With a source of 1 pu, for those who give no other.

    Raises:
        ArgumentError: if parents do not stand first, lengths differ, the base is not above 0, or
            the band does not hold 1 pu.
    """
    low, high = band_pu
    if not 0.0 < low <= 1.0 <= high or not base_mva > 0.0:
        raise ArgumentError(
            f"net of {base_mva:g} MVA with a band of {low:g} to {high:g} pu; give a base above 0 "
            "and a band that holds 1 pu"
        )
    above = list(parent)
    if above[:1] != [-1] or any(not 0 <= up < node for node, up in enumerate(above) if node):
        raise ArgumentError(
            f"net with parents {above}; node 0 has -1, others one that stands before"
        )
    if not len(above) == len(r_pu) == len(x_pu):
        raise ArgumentError(
            f"net of {len(above)} nodes, {len(r_pu)} resistances and {len(x_pu)} reactances; give "
            "one of each per node"
        )
    resistance, reactance = (common_path(parent, line) * (2.0 / base_mva) for line in (r_pu, x_pu))
    return LinearFlow(resistance, reactance, 1.0, low**2, high**2)


@inner(forceinline=True)
def squares(flow, net_load, reactive, out_pu2):  # type: ignore[no-untyped-def]
    """Squared voltages of one net at the source that its flow names."""
    squares_from(flow, flow.source_pu2, net_load, reactive, out_pu2)


@inner(forceinline=True)
def squares_from(flow, source_pu2, net_load, reactive, out_pu2):  # type: ignore[no-untyped-def]
    """Squared voltages of one net, (member,); the source is what changes from call to call."""
    for i in range(net_load.shape[0]):
        w = source_pu2
        for j in range(net_load.shape[0]):
            w -= (
                flow.drop_per_active[i, j] * net_load[j]
                + flow.drop_per_reactive[i, j] * reactive[j]
            )
        out_pu2[i] = w


@kernel(forceinline=True)
def squares_kernel(flow, source_pu2, net_load, reactive, out_pu2):  # type: ignore[no-untyped-def]
    """See `squared_voltages`."""
    for b in range(net_load.shape[0]):
        squares_from(flow, source_pu2[b], net_load[b], reactive[b], out_pu2[b])


def squared_voltages(
    flow: Flow,
    net_load: FloatArray,
    reactive: FloatArray,
    source_pu2: FloatArray | float | None = None,
) -> FloatArray:
    """Squares of the members' voltages, (batch, member) [pu^2].

    Args:
        net_load: (batch, member) [kW, or MW per unit], positive = load.
        reactive: (batch, member) [kvar, or Mvar per unit], positive = absorbed.
        source_pu2: squared voltage before the first line, (batch,) or one for all [pu^2]; None =
            what the flow names.
    """
    source = np.full(len(net_load), flow.source_pu2 if source_pu2 is None else source_pu2)
    out = np.empty_like(net_load)
    squares_kernel(plain(flow), source, net_load, reactive, out)
    return out


def plain(record: Any) -> Any:
    """What kernels take for a record; what they take already stays as it is."""
    return record.arrays() if isinstance(record, Record) else record


@inner(forceinline=True)
def violation(flow, w):  # type: ignore[no-untyped-def]
    """How far a squared voltage lies outside the band, near one in units of voltage [pu]."""
    beyond = max(flow.lowest_pu2 - w, w - flow.highest_pu2)
    return 0.5 * beyond if beyond > ROUNDING_PU2 else 0.0


@kernel(forceinline=True)
def violation_kernel(flow, pu2, out_pu):  # type: ignore[no-untyped-def]
    """See `violations`."""
    for b in range(pu2.shape[0]):
        for i in range(pu2.shape[1]):
            out_pu[b, i] = violation(flow, pu2[b, i])


def violations(flow: Flow, pu2: FloatArray) -> FloatArray:
    """How far squared voltages lie outside the band, (batch, member) [pu]."""
    out = np.empty_like(pu2)
    violation_kernel(plain(flow), pu2, out)
    return out


@inner(forceinline=True)
def add_charges(flow, eur_per_pu, net_load, reactive, pu2, out_eur):  # type: ignore[no-untyped-def]
    """Add what each member of a community pays; see `charges`."""
    for i in range(pu2.shape[0]):
        beyond = violation(flow, pu2[i])
        if beyond == 0.0:
            continue
        # Loads cause a low voltage, feeding in a high one. The source lies in the band, so
        # somebody causes it.
        sign = 1.0 if pu2[i] < flow.lowest_pu2 else -1.0
        total = 0.0
        for j in range(pu2.shape[0]):
            total += max(sign * _drop(flow, i, j, net_load, reactive), 0.0)
        for j in range(pu2.shape[0]):
            own = max(sign * _drop(flow, i, j, net_load, reactive), 0.0)
            out_eur[j] += eur_per_pu * beyond * (own / total)


@kernel(forceinline=True)
def charge_kernel(flow, eur_per_pu, net_load, reactive, pu2, out_eur):  # type: ignore[no-untyped-def]
    """See `charges`."""
    for b in range(pu2.shape[0]):
        for j in range(pu2.shape[1]):
            out_eur[b, j] = 0.0
        add_charges(flow, eur_per_pu, net_load[b], reactive[b], pu2[b], out_eur[b])


@inner(forceinline=True)
def _drop(flow, i, j, net_load, reactive):  # type: ignore[no-untyped-def]
    """What member j takes from the squared voltage of member i."""
    return flow.drop_per_active[i, j] * net_load[j] + flow.drop_per_reactive[i, j] * reactive[j]


def charges(
    flow: Flow, eur_per_pu: float, net_load_kw: FloatArray, reactive_kvar: FloatArray
) -> FloatArray:
    """What members pay for violations, (batch, member) [EUR].

    Each member's violation is paid by those who move its voltage away from the source in that
    direction, in proportion to how far they do.

    Args:
        eur_per_pu: price of a violation that lasts one step [EUR/pu].
        net_load_kw: (batch, member) [kW], positive = load.
        reactive_kvar: (batch, member) [kvar], positive = absorbed.
    """
    pu2 = squared_voltages(flow, net_load_kw, reactive_kvar)
    out = np.empty_like(pu2)
    charge_kernel(plain(flow), eur_per_pu, net_load_kw, reactive_kvar, pu2, out)
    return out
