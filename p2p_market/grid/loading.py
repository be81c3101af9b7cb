"""What each line of a radial feeder carries, as a share of what its cable may carry."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.compilation import kernel
from p2p_market.data.dataset import FeederData
from p2p_market.grid.feeder import VOLTS, plain
from p2p_market.records import FloatArray, IntArray, Record, for_kernels

POWER_FACTOR: Final = 0.95
"""Active share of what a cable carries, assumed alike for all."""


@for_kernels
@dataclass(frozen=True, slots=True)
class Cables(Record):
    """Lines of a feeder, each named by the node at its far end, and the members at the nodes."""

    parent: IntArray  # (node,), -1 for node 0; parents stand before their children
    most_kw: FloatArray  # (node,), what the line to the parent may carry; infinite for node 0
    node: IntArray  # (member,)


def cables(feeder: FeederData, nodes: Sequence[int] | IntArray) -> Cables:
    """The lines of a feeder and who is where.

    Args:
        feeder: its lines.
        nodes: where the members are, (member,).
    """
    most_kw = math.sqrt(3.0) * VOLTS * feeder.current_limit_a * POWER_FACTOR / 1000.0
    most_kw[0] = np.inf  # no line
    return Cables(feeder.parent, most_kw, np.asarray(nodes, dtype=np.int64))


@kernel(forceinline=True)
def loading_kernel(cables, net_load, out_line, out_member):  # type: ignore[no-untyped-def]
    """See `loadings`."""
    parent, node = cables.parent, cables.node
    for b in range(net_load.shape[0]):
        for n in range(parent.shape[0]):
            out_line[b, n] = 0.0
        for i in range(node.shape[0]):
            out_line[b, node[i]] += net_load[b, i]
        for n in range(parent.shape[0] - 1, 0, -1):
            out_line[b, parent[n]] += out_line[b, n]
        for n in range(parent.shape[0]):
            out_line[b, n] = abs(out_line[b, n]) / cables.most_kw[n]
        for i in range(node.shape[0]):
            n, highest = node[i], 0.0
            while n > 0:
                highest = max(highest, out_line[b, n])
                n = parent[n]
            out_member[b, i] = highest


def loadings(cables: Cables | Any, net_load_kw: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Flow over limit: of each line, and the highest between each member and the transformer.

    Args:
        net_load_kw: (batch, member) [kW], positive = load; flows are their sums, losses left out.

    Returns:
        (batch, node), zero at node 0, and (batch, member); 1 = fully loaded.
    """
    lines = np.empty((len(net_load_kw), len(plain(cables).parent)))
    members = np.empty_like(net_load_kw)
    loading_kernel(plain(cables), net_load_kw, lines, members)
    return lines, members
