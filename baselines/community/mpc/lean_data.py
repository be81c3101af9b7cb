"""Data of the lean program: what somebody expects of the hours ahead, as costs and limits."""

import numpy as np

from baselines.community.mpc.lean import Lean
from baselines.community.mpc.pattern import Data
from baselines.community.mpc.prices import Posted
from baselines.community.optimal.outlook import Outlook
from p2p_market.assets.machine import MachineCoefficients
from p2p_market.records import FloatArray


def data_of(lean: Lean, told: Outlook, posted: Posted | None = None) -> Data:
    """The program of one outlook (a batch of one).

    Args:
        posted: prices, where each member plans by itself.
    """
    data = lean.pattern.empty(lean.ahead.steps)
    _put_storage(lean, data, told)
    _put_meters(lean, data, told)
    _put_grid(lean, data, told)
    if posted is not None:
        _put_prices(lean, data, posted)
    else:
        _put_trades(lean, data, told)
        _put_feeder(lean, data, told)
    return data


def _put_storage(lean: Lean, data: Data, told: Outlook) -> None:
    spec, nodes, own = lean.ahead.spec, lean.ahead.nodes, (lean.owner, lean.asset)
    at, plugged = lean.pattern.variables, told.plugged[:, 0][:, *own]
    for use, most_kw in (("charge", nodes.power_max_kw), ("discharge", -nodes.power_min_kw)):
        data.upper[:, at[use]] = plugged * most_kw[own]
        data.cost[:, at[use]] = spec.dt_h * nodes.degradation_eur_per_kwh[own]
    least_kwh = np.tile(nodes.energy_min_kwh[own], (lean.ahead.steps, 1))
    fixed_kwh = np.zeros(least_kwh.shape)
    fixed_kwh[0] = nodes.retention[own] * told.start_energy_kwh[0][own]
    if lean.leaving.size > 0:
        leaving = lean.owner[lean.leaving], lean.asset[lean.leaving]
        due = told.departs[:, 0][:, *leaving] * nodes.target_kwh[leaving]
        trip = told.trip_kwh[:, 0][:, *leaving]
        data.upper[:, at["missing"]] = due
        data.cost[:, at["missing"]] = spec.shortfall_eur_per_kwh
        least_kwh[:, lean.leaving] = np.maximum(least_kwh[:, lean.leaving], due - trip)
        fixed_kwh[:, lean.leaving] -= trip
        arrived = lean.pattern.rows["arrived"]
        data.row_lower[:, arrived] = np.maximum(told.floor_kwh[:, 0][:, *leaving], 0.0) - trip
        data.row_upper[:, arrived] = nodes.energy_max_kwh[leaving] - trip
    data.lower[:, at["level"]] = least_kwh
    data.upper[:, at["level"]] = nodes.energy_max_kwh[own]
    data.cost[-1, at["level"]] = -spec.terminal_value_eur_per_kwh
    if nodes.machines is not None:
        _put_machines(lean, nodes.machines, data, told)
        fixed_kwh += told.drift_kwh[:, 0][:, *own]
    data.fix(lean.pattern.rows["level"], fixed_kwh)


def _put_machines(lean: Lean, machines: MachineCoefficients, data: Data, told: Outlook) -> None:
    """What the world does, and prices of running, holding, back-up and spilling.

    Nothing is bought to be stored.
    """
    nodes, own, at = lean.ahead.nodes, (lean.owner, lean.asset), lean.pattern.variables
    drift, share, top, spilled = (
        series[:, 0][:, *own]
        for series in (told.drift_kwh, told.charge_share, told.top_kwh, told.spilled_max_kwh)
    )
    data.values[:, lean.charged] = -share * nodes.charge_gain_h[own]
    for use in ("charge", "discharge"):
        extra = getattr(machines, f"{use}_eur_per_kwh")[own]
        data.cost[:, at[use]] += lean.ahead.spec.dt_h * extra
    tapered = lean.owner[lean.tapered], lean.asset[lean.tapered]
    taper, row = machines.taper_per_h[tapered], lean.pattern.rows["taper"]
    data.row_lower[:, row] = -np.inf
    data.row_upper[:, row] = taper * nodes.energy_max_kwh[tapered]
    data.row_upper[0, row] -= taper * told.start_energy_kwh[0][tapered]
    data.upper[:, at["bought"]], data.upper[:, at["spilled"]] = np.maximum(-drift, 0.0), spilled
    data.cost[:, at["bought"]] = machines.missing_eur_per_kwh[own]
    data.cost[:, at["spilled"]] = machines.spilled_eur_per_kwh[own]
    data.upper[:, at["level"]] = np.minimum(data.upper[:, at["level"]], top)
    data.cost[-1, at["level"]] = -machines.terminal_eur_per_kwh[own]
    data.cost[:, at["level"]] += machines.hold_eur_per_kwh[own]


def _put_meters(lean: Lean, data: Data, told: Outlook) -> None:
    """Net loads without devices, inside the connection, and what may be cut of them.

    Where a forecast alone is beyond the connection, devices do not add to it; a rule cuts the rest.
    """
    spec, at, rows = lean.ahead.spec, lean.pattern.variables, lean.pattern.rows
    pv_kw, load_kw = told.pv_kw[:, 0, lean.member], told.load_kw[:, 0, lean.member]
    idle_kw, limit_kw = load_kw - pv_kw, spec.connection_limit_kw
    data.fix(rows["meter"], idle_kw)
    data.row_lower[:, rows["connection"]] = np.minimum(-limit_kw - idle_kw, 0.0)
    data.row_upper[:, rows["connection"]] = np.maximum(limit_kw - idle_kw, 0.0)
    data.cost[:, at["shed"]] = spec.dt_h * spec.lost_load_eur_per_kwh
    if lean.shares.size > 0:
        data.values[:, lean.shares[0]] = -pv_kw * told.grid
        data.values[:, lean.shares[1]] = -load_kw * told.grid
        data.upper[:, at["shares"]] = 1.0
        free = np.concatenate([pv_kw, load_kw], axis=1) * (1.0 - told.grid)
        data.row_upper[:, rows["shares"]] = free
    elif at["shed"].stop > at["shed"].start:
        data.upper[:, at["curtailed"]] = pv_kw * (1.0 - told.grid)
        data.upper[:, at["shed"]] = load_kw * (1.0 - told.grid)


def _put_grid(lean: Lean, data: Data, told: Outlook) -> None:
    """Prices of the grid; in an outage nothing flows, and sellers bear what is lost."""
    ahead, at = lean.ahead, lean.pattern.variables
    data.cost[:, at["import"]] = ahead.dt_h * _import_price(told)[:, lean.member]
    data.cost[:, at["export"]] = -ahead.dt_h * told.feed_in_eur_per_kwh[:, 0, lean.member]
    if ahead.spec.outages is not None:
        for way in ("import", "export"):
            data.upper[:, at[way]] = np.where(told.grid > 0.0, np.inf, 0.0)
        share = ahead.spec.fees.loss_share
        lost = (1.0 - told.grid) * share / (1.0 - share)
        data.values[:, lean.sold.ravel()] = -1.0 - lost


def _put_prices(lean: Lean, data: Data, posted: Posted) -> None:
    """Each member's own trade; the better prices come first, up to the connection's limit."""
    dt_h, own, at = lean.ahead.dt_h, lean.member, lean.pattern.variables
    most_kw = posted.most_kw[:, own]
    fee = lean.ahead.network_fee_eur_per_kwh[own]
    filled_kw = np.arange(lean.parts)[:, None, None] * most_kw
    left_kw = np.clip(lean.ahead.spec.connection_limit_kw - filled_kw, 0.0, most_kw)

    def by_block(series: FloatArray) -> FloatArray:
        """(part, block, member) -> (block, variable)."""
        return np.swapaxes(series, 0, 1).reshape(series.shape[1], -1)

    for way, price in (("buy", posted.buy_eur_per_kwh), ("sell", -posted.sell_eur_per_kwh)):
        data.upper[:, at[way]] = by_block(left_kw)
        data.cost[:, at[way]] = dt_h * by_block(price[..., own] + fee)


def _put_trades(lean: Lean, data: Data, told: Outlook) -> None:
    """Trade inside the community: what is given or needed bounds those who plan nothing."""
    ahead, at, own, others = lean.ahead, lean.pattern.variables, lean.member, lean.others
    fee, limit_kw = ahead.network_fee_eur_per_kwh, ahead.spec.connection_limit_kw
    trades = told.ask_floor_eur_per_kwh[:, 0] < told.bid_cap_eur_per_kwh[:, 0]
    idle_kw = (told.load_kw - told.pv_kw)[:, 0]
    for way, sign, saved in (
        ("buy", 1.0, -_import_price(told)),  # not bought from the grid
        ("sell", -1.0, told.feed_in_eur_per_kwh[:, 0]),  # not sold to it
    ):
        data.upper[:, at[way]] = trades[:, own] * limit_kw
        data.cost[:, at[way]] = ahead.dt_h * fee[own]
        name = f"others_{way}"
        data.upper[:, at[name]] = trades[:, others] * np.maximum(sign * idle_kw[:, others], 0.0)
        data.cost[:, at[name]] = ahead.dt_h * (fee + saved)[:, others]


def _put_feeder(lean: Lean, data: Data, told: Outlook) -> None:
    """Flow above the limit is paid for, or forbidden."""
    feeder, at, row = lean.ahead.spec.feeder, lean.pattern.variables, lean.pattern.rows["feeder"]
    idle_kw = (told.load_kw - told.pv_kw)[:, 0].sum(axis=1)[:, None]
    data.row_lower[:, row] = -feeder.limit_kw - idle_kw
    data.row_upper[:, row] = feeder.limit_kw - idle_kw
    data.upper[:, at["overload"]] = 0.0 if feeder.mode == "binding" else np.inf
    data.cost[:, at["overload"]] = lean.ahead.dt_h * feeder.overload_eur_per_kwh


def _import_price(told: Outlook) -> FloatArray:
    """Retail price and carbon cost, (block, agent) [EUR/kWh]."""
    return np.asarray(told.retail_eur_per_kwh[:, 0] + told.carbon_eur_per_kwh)
