"""What the track `battery` brings for the leaderboard."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from leaderboard.tracks import battery_facts, neutral
from leaderboard.tracks.card import BoardCard, Clock, Curve, Panel, Picture, Shown
from p2p_market.battery.actions import rest
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.records import COLUMN, LEDGER_ENTRIES
from p2p_market.battery.scenario import Scenario
from p2p_market.registry import scenario_of
from p2p_market.track import EpisodeKey, Trajectory
from report.table import amount

GENERATED: Final = "synthetic"
BUYS, SELLS = 7, 12  # indices of energy: 9 MW of 30, and 6 MW
RULE: Final = """\
# A rule of p2p_market: dam-only, reserve-first or random-masked.
rule = "reserve-first"
"""
EARNED: Final = {
    "day-ahead": ("dam", "dam_penalty"),
    "reserve": ("afrr_capacity", "afrr_energy", "afrr_penalty"),
    "intraday": ("intraday",),
    "mFRR": ("mfrr",),
    "wear": ("degradation",),
}
"""Column of the days' table -> entries of the ledger."""


def drawn(scenario: Scenario, split: str, number: Callable[[str], int]) -> tuple[Any, EpisodeKey]:
    """A generated price year is another one; a measured one stays, and all else is drawn anew."""
    spec = scenario.spec
    if spec.prices.partition(":")[0].startswith(GENERATED):
        law = spec.prices.partition(":")[0]
        spec = spec.model_copy(update={"prices": f"{law}:{number('data')}"})
    _, key = neutral.drawn(scenario_of(spec.model_dump_json()), split, number)
    return spec, key


def clock(scenario: Scenario) -> Clock:
    """Buys in the middle of the day, sells otherwise."""
    actions = np.tile(rest(scenario), (2, len(scenario.agents), 1))
    actions[0, :, 2], actions[1, :, 2] = BUYS, SELLS
    return Clock("hour_cos", actions[0], actions[1])


def picture(scenario: Scenario, episode: Episode, played: Trajectory) -> Picture:
    """The episode of a batch of one; sums over the batteries."""
    steps, fleet = scenario.steps, scenario.fleet

    def fleet_mw(name: str) -> Any:
        return played.series[name][:, 0].sum(axis=1)

    level = 100.0 * played.series["level_mwh"][:, 0].sum(axis=1) / fleet.capacity_mwh.sum()
    day_ahead = episode.market[0, 1 : steps + 1, COLUMN["day_ahead"]]
    panels = (
        Panel(
            "Price [EUR/MWh]",
            (
                Curve("cap", "intraday", played.series["intraday_eur_per_mwh"][:, 0]),
                Curve("price", "day-ahead", day_ahead),
            ),
            2,
        ),
        Panel(
            "Day-ahead and energy, buying above 0 [MW]",
            (
                Curve("grid", "day-ahead", fleet_mw("dam_mw")),
                Curve("traded", "energy", fleet_mw("energy_mw")),
            ),
            1,
        ),
        Panel(
            "Reserve, called to charge above 0 [MW]",
            (
                Curve("cap", "accepted", fleet_mw("accepted_mw")),
                Curve("price", "called", fleet_mw("afrr_mw")),
            ),
            1,
        ),
        Panel("State of charge [%]", (Curve("soc", "stored", level),), 0, ends=(0.0, 100.0)),
    )
    money = played.entries_eur[:, 0].sum(axis=1)
    per_day = round(24.0 / scenario.dt_h)
    return Picture(
        panels=panels,
        columns=(*((name, "EUR") for name in EARNED), ("stored at the end", "%")),
        days=tuple(
            _day(money[first : first + per_day], float(level[first + per_day - 1]))
            for first in range(0, steps, per_day)
        ),
        alt="Prices, trades, reserve and level of the week, step by step; the table below has "
        "what each day earned.",
        caption="Sums over all batteries. What a day cost is below zero.",
    )


def _day(money: Any, level: float) -> tuple[str, ...]:
    """Cells of a day: earned in each market, and the level."""
    earned = (
        -float(money[:, [LEDGER_ENTRIES.index(name) for name in names]].sum())
        for names in EARNED.values()
    )
    return (*(amount(one, 0) for one in earned), amount(level, 0))


CARD: Final = BoardCard(
    public="dev-battery",
    population="baselines.battery.population.bots:FIRST",
    chance="random-masked",
    drawn=drawn,
    facts=battery_facts.facts,
    published=battery_facts.published,
    template=RULE,
    clock=clock,
    metrics=(
        Shown("penalties", "penalties", 0, on_board=True),
        Shown("cycles", "full cycles", 1, unit="", on_board=True),
        Shown("interventions", "held", 1, unit="battery-steps", on_board=True),
        Shown("reserve", "reserve", 0),
        Shown("missing", "day-ahead missing", 1),
        Shown("dam_profit", "day-ahead", 0),
        Shown("afrr_capacity_profit", "reserve capacity", 0),
        Shown("afrr_energy_profit", "reserve energy", 0),
        Shown("intraday_profit", "intraday", 0),
        Shown("mfrr_profit", "mFRR", 0),
    ),
    brief={"penalties": "penalties EUR", "cycles": "cycles"},
    zero="the day-ahead position alone",
    beside="penalties, cycles and faults are",
    picture=picture,
)
