"""What the track `wholesale` brings for the leaderboard."""

from typing import Any, Final

import numpy as np

from leaderboard.tracks.card import BoardCard, Curve, Panel, Picture, Shown
from p2p_market.grid.frequency import NOMINAL_HZ
from p2p_market.records import FloatArray, Trajectory
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.records import LEDGER_ENTRIES, SOCIAL
from p2p_market.wholesale.scenario import Scenario
from report.table import amount

RULE: Final = """\
# A rule of p2p_market that needs no solver; the role is that of the package.
rule = "default"
"""
_SOCIAL: Final = [LEDGER_ENTRIES.index(name) for name in SOCIAL]


def picture(scenario: Scenario, episode: Episode, played: Trajectory) -> Picture:
    """The episode of a batch of one."""
    series = {name: values[:, 0] for name, values in played.series.items()}
    thermal = scenario.fleet.thermal
    level = 100.0 * series["level_mwh"].sum(axis=1) / scenario.fleet.capacity_mwh.sum()
    panels = (
        Panel("Price [EUR/MWh]", (Curve("price", "cleared", series["price_eur_per_mwh"]),), 2),
        Panel(
            "Power [MW]",
            (
                Curve("load", "load", series["load_mw"].sum(axis=1)),
                Curve("pv", "wind and sun", series["output_mw"][:, ~thermal].sum(axis=1)),
                Curve("grid", "thermal units", series["output_mw"][:, thermal].sum(axis=1)),
            ),
            0,
        ),
        Panel(
            "Frequency [Hz]",
            (
                Curve("grid", "lowest", NOMINAL_HZ - series["deviation_hz"][:, 0]),
                Curve("traded", "highest", NOMINAL_HZ + series["deviation_hz"][:, 1]),
            ),
            2,
        ),
        Panel("Storages [%]", (Curve("soc", "stored", level),), 0, ends=(0.0, 100.0)),
    )
    per_day = max(1, round(24.0 / scenario.dt_h))
    return Picture(
        panels=panels,
        columns=(
            ("social cost", "EUR"),
            ("mean price", "EUR/MWh"),
            ("wind and sun", "% of load"),
            ("out of band", "% of steps"),
            ("lost and shed", "MWh"),
        ),
        days=tuple(
            _day(scenario, series, played.entries_eur[:, 0], slice(first, first + per_day))
            for first in range(0, scenario.steps, per_day)
        ),
        alt="Price, power, frequency and storages of the week, step by step; the table below has "
        "what each day cost.",
        caption="Sums over units, storages and consumers.",
    )


def _day(
    scenario: Scenario, series: dict[str, FloatArray], entries: FloatArray, day: slice
) -> tuple[str, ...]:
    """Cells of a day."""
    load = float(series["load_mw"][day].sum())
    renewable = float(series["output_mw"][day][:, ~scenario.fleet.thermal].sum())
    beyond = (series["deviation_hz"][day] > scenario.rules.band_hz).any(axis=1)
    lost = series["lost_mw"][day].sum() + series["shed_mw"][day].sum()
    cells: tuple[Any, ...] = (
        (entries[day][:, :, _SOCIAL].sum(), 0),
        (series["price_eur_per_mwh"][day].mean(), 1),
        (100.0 * renewable / max(load, 1e-9), 0),
        (100.0 * np.mean(beyond), 1),
        (lost * scenario.dt_h, 1),
    )
    return tuple(amount(float(value), digits) for value, digits in cells)


CARD: Final = BoardCard(
    template=RULE,
    metrics=(
        Shown("consumer_payment", "consumers pay", 0, on_board=True),
        Shown("renewable_share", "wind and sun", 3, unit="of load", on_board=True),
        Shown("in_band", "within 0.1 Hz", 3, unit="of steps", on_board=True),
        Shown("mean_price", "mean price", 1),
        Shown("emissions", "emissions", 0),
        Shown("outage_probability", "lost or shed", 4, unit="of steps"),
    ),
    brief={"consumer_payment": "consumers EUR", "in_band": "in band"},
    zero="the default rule of every role",
    picture=picture,
)
