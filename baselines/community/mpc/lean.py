"""The program of the hours ahead with less in it, for a planner that solves it in every hour.

Its plans cost what those of `optimal.program` cost (a test). What a member without
flexible assets trades is one variable, or nothing in plans of one's own; a limit of one variable is
its bound; nothing stands for what a sum of variables says.
"""

from dataclasses import dataclass

import numpy as np

from baselines.community.mpc.pattern import Block, Pattern, Piece, names_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Lean:
    """The program of a community, or of each member by itself."""

    ahead: Scenario  # as long as the horizon, in steps of a block
    parts: int  # of the prices posted to each member; 0: one community with its market
    owner: IntArray  # (asset,), the member of each flexible asset
    asset: IntArray  # (asset,), its column among the member's
    leaving: IntArray  # of the flexible assets, those that leave
    tapered: IntArray  # those that charge the slower the fuller they are
    member: IntArray  # members whose net load is planned
    others: IntArray  # members of the market whose net load is given
    pattern: Pattern
    pieces: tuple[Piece, ...]  # one for each member who plans alone; else one for all
    charged: IntArray  # (asset,), coefficients of what charging stores
    sold: IntArray  # (part, member), coefficients of what is sold, which bears what is lost
    shares: IntArray  # (2, member), coefficients of the shares of PV and load that a feeder cuts

    def setpoint_kw(self, values: FloatArray) -> FloatArray:
        """Set-points of a solution (block, variable), (block, agent, asset)."""
        power = np.zeros((len(values), *self.ahead.nodes.present.shape))
        at = self.pattern.variables
        power[:, self.owner, self.asset] = values[:, at["charge"]] - values[:, at["discharge"]]
        return power


def lean_program(ahead: Scenario, parts: int = 0) -> Lean:
    """The program of a community with at least one flexible asset.

    Args:
        ahead: the community for as many steps as the horizon has blocks.
        parts: each member for itself, at this many prices for more and more of its trade; 0: all
            together with their market.
    """
    owner, asset = np.nonzero(ahead.nodes.present)
    leaving = np.flatnonzero(ahead.nodes.target_kwh[owner, asset] > 0.0)
    all_planned = parts == 0 and ahead.cuts
    tapered = _tapered(ahead)[0]
    planned = ahead.has_storage | all_planned
    member, others = np.flatnonzero(planned), np.flatnonzero(~planned & (parts == 0))
    block = _block(ahead, parts, (len(owner), len(leaving), len(member), len(others)))
    _tapers(block, ahead)
    charged = _storage(block, ahead, (owner, asset), leaving)
    sold = _meters(block, np.searchsorted(member, owner))
    if parts == 0:
        _market(block)
    shares = _shares(block)
    pattern = block.repeated(ahead.steps)
    return Lean(
        ahead, parts, owner, asset, leaving, tapered, member, others, pattern, pattern.pieces(),
        charged, sold, shares,
    )  # fmt: skip


def _block(ahead: Scenario, parts: int, counts: tuple[int, int, int, int]) -> Block:
    """Variables and rows of a block; groups that this program does not need are empty."""
    assets, leaving, members, others = counts
    pool = parts == 0
    binding = pool and ahead.spec.feeder.mode == "binding"
    cut = members * (binding or ahead.spec.outages is not None)
    rows = {"level": assets, "arrived": leaving, "meter": members, "connection": members}
    rows |= {"taper": len(_tapered(ahead)[0])}
    rows |= {"clearing": int(pool), "feeder": int(pool), "shares": 2 * members * binding}
    variables = {"charge": assets, "discharge": assets, "level": assets, "missing": leaving}
    variables |= dict.fromkeys(("bought", "spilled"), assets * (ahead.nodes.machines is not None))
    variables |= {"import": members, "export": members, "curtailed": cut, "shed": cut}
    variables |= dict.fromkeys(("buy", "sell"), members * max(1, parts))
    variables |= {"others_buy": others, "others_sell": others, "overload": 2 * pool}
    return Block(names_of(rows), names_of(variables | {"shares": 2 * binding}))


def _storage(
    block: Block, ahead: Scenario, own: tuple[IntArray, IntArray], leaving: IntArray
) -> IntArray:
    """The power-node equation, and departures: what is missing then is made up.

    `arrived` is the level before a departure. What machines lack is bought, what does not fit is
    spilled.

    Returns:
        Coefficients of what charging stores, (asset,).
    """
    nodes, level, arrived = ahead.nodes, block.row("level"), block.row("arrived")
    block.put(level, block.variable("level"), 1.0)
    block.put(level, block.variable("level"), -nodes.retention[own], back=1)
    charged = block.put(level, block.variable("charge"), -nodes.charge_gain_h[own])
    block.put(level, block.variable("discharge"), nodes.discharge_gain_h[own])
    block.put(level[leaving], block.variable("missing"), -1.0)
    block.put(arrived, block.variable("level")[leaving], 1.0)
    block.put(arrived, block.variable("missing"), -1.0)
    if nodes.machines is not None:
        block.put(level, block.variable("bought"), -1.0)
        block.put(level, block.variable("spilled"), 1.0)
    return charged


def _tapered(ahead: Scenario) -> tuple[IntArray, FloatArray]:
    """Flexible assets with a taper, and their charging power per kWh that is missing to full."""
    machines = ahead.nodes.machines
    if machines is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    per_h = machines.taper_per_h[ahead.nodes.present]
    return np.flatnonzero(per_h), per_h[per_h > 0.0]


def _tapers(block: Block, ahead: Scenario) -> None:
    """Charging slows down near full, by the level before the step."""
    tapered, per_h = _tapered(ahead)
    block.put(block.row("taper"), block.variable("charge")[tapered], 1.0)
    block.put(block.row("taper"), block.variable("level")[tapered], per_h, back=1)


def _meters(block: Block, place: IntArray) -> IntArray:
    """What makes up each net load, the exchange that serves it, and the connection's limit.

    Args:
        place: of each asset's owner among the members planned.
    """
    meter, connection = block.row("meter"), block.row("connection")
    devices = [("charge", 1.0, place), ("discharge", -1.0, place)]
    if block.variable("shed").size > 0:
        devices += [(name, sign, np.arange(len(meter))) for name, sign in CUTS]
    for name, sign, whose in devices:
        block.put(meter[whose], block.variable(name), -sign)
        block.put(connection[whose], block.variable(name), sign)
        block.put(block.row("feeder")[:, None], block.variable(name), sign)
    block.put(meter, block.variable("import"), 1.0)
    block.put(meter, block.variable("export"), -1.0)
    bought, sold = (block.variable(name).reshape(-1, len(meter)) for name in ("buy", "sell"))
    block.put(meter, bought, 1.0)
    return block.put(meter, sold, -1.0)


def _market(block: Block) -> None:
    """What is bought is sold; the flow through the feeder is the sum of net loads."""
    for name, sign in (("buy", 1.0), ("others_buy", 1.0), ("sell", -1.0), ("others_sell", -1.0)):
        block.put(block.row("clearing"), block.variable(name), sign)
    block.put(block.row("feeder"), block.variable("overload"), np.array([-1.0, 1.0]))


def _shares(block: Block) -> IntArray:
    """A feeder cuts one share of everybody's PV and one of everybody's load."""
    rows = block.row("shares").reshape(2, -1)
    if rows.size == 0:
        return rows
    for own, (name, _) in zip(rows, CUTS, strict=True):
        block.put(own, block.variable(name), 1.0)
    return block.put(rows, block.variable("shares")[:, None], -1.0)


CUTS = (("curtailed", 1.0), ("shed", -1.0))
"""What may be cut, and its sign in a net load."""
