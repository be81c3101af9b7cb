"""A week of a community as a picture: prices, load and sun, trade, storage; sums over members."""

from typing import Final

import numpy as np

from leaderboard.tracks.card import Curve, Panel, Picture
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory
from report.table import amount

COLUMNS: Final = (
    ("load", "kWh"),
    ("PV", "kWh"),
    ("traded", "kWh"),
    ("net import", "kWh"),
    ("net export", "kWh"),
    ("mean price", "EUR/kWh"),
    ("stored at the end", "%"),
)
ALT: Final = (
    "Prices, load, trade and storage of the week, step by step; the table below has the sums of "
    "its days."
)
CAPTION: Final = "Sums over all members. A gap in the clearing price: nothing was traded."


def picture(scenario: Scenario, episode: Episode, played: Trajectory) -> Picture:
    """The episode of a batch of one."""
    room_kwh = float(scenario.nodes.energy_max_kwh.sum())
    stored_kwh = played.series["energy_kwh"][:, 0].sum(axis=(1, 2))
    steps = len(stored_kwh)

    def community(series: FloatArray) -> FloatArray:
        """Sum over the members, (step,)."""
        return np.asarray(series[:steps, 0].sum(axis=1))

    series = {
        "cap": episode.bid_cap_eur_per_kwh[:steps, 0].max(axis=1),
        "floor": episode.ask_floor_eur_per_kwh[:steps, 0].min(axis=1),
        "price": played.series["clearing_price_eur_per_kwh"][:, 0],
        "sun": community(episode.pv_kw),
        "load": community(episode.load_kw),
        "grid": community(played.series["import_kw"]) - community(played.series["export_kw"]),
        "traded": community(np.maximum(played.series["fill_kw"], 0.0)),
        "soc": stored_kwh / room_kwh if room_kwh > 0.0 else np.zeros_like(stored_kwh),
    }
    return picture_of(series, scenario.dt_h)


def picture_of(series: dict[str, FloatArray], dt_h: float) -> Picture:
    """The picture of series by the name of their curve, (step,) each [kW, EUR/kWh, soc]."""
    days = range(0, len(series["load"]), round(24.0 / dt_h))
    return Picture(
        panels=_panels(series),
        columns=COLUMNS,
        days=tuple(_day(series, slice(first, first + days.step), dt_h) for first in days),
        alt=ALT,
        caption=CAPTION,
    )


def _panels(series: dict[str, FloatArray]) -> tuple[Panel, ...]:
    def curves(**said: str) -> tuple[Curve, ...]:
        return tuple(Curve(name, words, series[name]) for name, words in said.items())

    stored = Curve("soc", "stored", 100.0 * series["soc"])
    return (
        Panel(
            "Price [EUR/kWh]",
            curves(cap="highest bid", floor="lowest ask", price="clearing price"),
            3,
        ),
        Panel("Load and sun [kW]", curves(sun="PV", load="load"), 1),
        Panel("Trade and grid [kW]", curves(grid="grid, import above 0", traded="traded"), 1),
        Panel("State of charge [%]", (stored,), 0, ends=(0.0, 100.0)),
    )


def _day(series: dict[str, FloatArray], part: slice, dt_h: float) -> tuple[str, ...]:
    """What stands under `COLUMNS`."""
    traded, grid = series["traded"][part], series["grid"][part]
    price = np.nan_to_num(series["price"][part])
    mean = (price * traded).sum() / traded.sum() if traded.sum() > 0.0 else np.nan
    bought, sold = np.maximum(grid, 0.0), np.maximum(-grid, 0.0)
    energy = (series["load"][part], series["sun"][part], traded, bought, sold)
    sums = [amount(dt_h * float(one.sum()), 0) for one in energy]
    return (*sums, amount(mean, 3), amount(100.0 * float(series["soc"][part][-1]), 0))
