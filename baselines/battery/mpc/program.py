"""The hours ahead of one battery as a linear program in plain arrays, solved by HiGHS.

It decides on reserve, purchases and sales in each hour. Its plans are robust against one
activation: behind this hour's day-ahead delivery and a full activation in either direction, with
nothing traded, the next delivery still fits.
"""

from typing import Final, NamedTuple

import highspy
import numpy as np
from highspy import HighsModelStatus

from baselines.battery.mpc.outlook import Outlook
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray

VARIABLES: Final = ("reserve", "buy", "sell", "missing", "short", "level")
"""Of each hour; `missing` of the position [MW], `short` of the room for what comes next [MWh]."""
ROWS: Final = ("balance", "power", "stored", "room", "up", "down")


class Battery(NamedTuple):
    """Numbers of a battery and of its rules."""

    power_mw: float
    lowest_mwh: float
    highest_mwh: float
    start_mwh: float
    eta: float
    wear: float
    reserve_h: float
    penalty: float  # EUR/MWh of a position that is not delivered
    withhold: bool


class Choice(NamedTuple):
    """What the plan does at once."""

    offer_mw: float
    wish_mw: float


def plan(battery: Battery, level_mwh: float, ahead: Outlook, what: str) -> Choice:
    """The first hour of the cheapest plan.

    Args:
        level_mwh: now.
        what: for the error.

    Raises:
        OptimumError: if HiGHS finds none.
    """
    hours, eta = len(ahead.length_h), battery.eta
    long, position = ahead.length_h, ahead.position_mw
    at = {name: np.arange(hours) * len(VARIABLES) + n for n, name in enumerate(VARIABLES)}
    row = {name: np.arange(hours) * len(ROWS) + n for n, name in enumerate(ROWS)}
    after = {name: place + len(VARIABLES) * hours for name, place in (("over", 0), ("under", 1))}
    columns, rows = len(VARIABLES) * hours + 2, len(ROWS) * hours + 1
    a = np.zeros((columns, rows))  # transposed, as HiGHS reads it column by column
    low, high = np.full(rows, -np.inf), np.full(rows, np.inf)
    cost, least, most = np.zeros(columns), np.zeros(columns), np.full(columns, np.inf)

    gain = np.where(position > 0.0, eta, 1.0 / eta) * long  # of the level, by a MW of the position
    sign = np.sign(position)
    delivered = position * gain
    free = battery.power_mw - np.abs(position)
    following = np.append(position[1:] * gain[1:], 0.0)

    a[at["level"], row["balance"]] = 1.0
    a[at["level"][:-1], row["balance"][1:]] = -1.0
    a[at["buy"], row["balance"]] = -eta * long
    a[at["sell"], row["balance"]] = long / eta
    a[at["missing"], row["balance"]] = sign * gain
    a[at["reserve"], row["balance"]] = 0.5 * ahead.called * (1.0 / eta - eta) * long
    low[row["balance"]] = high[row["balance"]] = delivered
    low[row["balance"][0]] = high[row["balance"][0]] = delivered[0] + level_mwh

    for name in ("buy", "sell"):
        a[at[name], row["power"]] = 1.0
    a[at["reserve"], row["power"]] = 1.0 if battery.withhold else 0.0
    high[row["power"]] = free

    before = at["level"][:-1]  # levels before all hours but the first
    for name, way, bound in (
        ("stored", eta, battery.lowest_mwh),
        ("room", -1.0 / eta, battery.highest_mwh),
    ):
        a[at["reserve"], row[name]] = battery.reserve_h
        a[before, row[name][1:]] = -way
        high[row[name]] = -way * bound
        high[row[name][0]] += way * level_mwh

    for name, way, bound, needed in (
        ("up", 1.0, battery.lowest_mwh, np.maximum(0.0, -following)),
        ("down", -1.0, battery.highest_mwh, np.maximum(0.0, following)),
    ):  # way * (level + delivered) - energy of the reserve + short >= way * bound + needed
        a[at["reserve"], row[name]] = -long * (1.0 / eta if way > 0.0 else eta)
        a[at["missing"], row[name]] = -way * sign * gain
        a[at["short"], row[name]] = 1.0
        a[before, row[name][1:]] = way
        low[row[name]] = way * (bound - delivered) + needed
        low[row[name][0]] -= way * level_mwh

    a[at["level"][-1], -1] = 1.0
    a[after["over"], -1], a[after["under"], -1] = -1.0, 1.0
    low[-1] = high[-1] = battery.start_mwh

    cost[at["buy"]] = long * (ahead.buy + battery.wear)
    cost[at["sell"]] = long * (battery.wear - ahead.sell)
    cost[at["reserve"]] = -long * ahead.reserve
    cost[at["missing"]] = long * battery.penalty
    cost[at["short"]] = battery.penalty
    cost[after["over"]] = -max(0.0, eta * (ahead.last_prices.min() - battery.wear))
    cost[after["under"]] = (ahead.last_prices.max() + battery.wear) / eta
    most[at["reserve"]] = most[at["buy"]] = most[at["sell"]] = free
    most[at["missing"]] = np.abs(position)
    least[at["level"]], most[at["level"]] = battery.lowest_mwh, battery.highest_mwh
    values = _solved(a, (cost, least, most), (low, high), what)
    return Choice(values[at["reserve"][0]], values[at["buy"][0]] - values[at["sell"][0]])


def _solved(
    a: FloatArray,
    variables: tuple[FloatArray, FloatArray, FloatArray],
    rows: tuple[FloatArray, FloatArray],
    what: str,
) -> FloatArray:
    """Values of all variables in the cheapest plan."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    column, index = np.nonzero(a)
    start = np.searchsorted(column, np.arange(len(a)))
    solver.passModel(
        len(a), a.shape[1], len(index), int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize), 0.0, *variables, *rows,
        start.astype(np.int32), index.astype(np.int32), a[column, index],
        np.zeros(len(a), dtype=np.int32),
    )  # fmt: skip
    solver.run()
    if (status := solver.getModelStatus()) != HighsModelStatus.kOptimal:
        raise OptimumError(f"{what}: HiGHS reports {solver.modelStatusToString(status)!r}")
    return np.array(solver.getSolution().col_value)
