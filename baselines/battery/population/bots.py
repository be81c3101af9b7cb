"""Who may sit beside a battery in focus: a table of bots, none of which learns from run to run.

A population is frozen with the numbers that are published for it: another bot, or another rule
behind a bot, is another population with another name (a test holds what the bots of each play).
"""

from typing import Final

from p2p_market.evaluation.players.population import Bot, Population

_POLICY: Final = "baselines.battery.population.policy"

FIRST: Final = Population(
    "battery-population-1",
    {
        "dam-only": Bot("idle", "dam-only"),
        "reserve-first": Bot("reserve", "reserve-first"),
        "reserve-cheap": Bot("undercutting", f"{_POLICY}:reserve_cheap"),
        "reserve-dear": Bot("withholding", f"{_POLICY}:reserve_dear"),
        "trader": Bot("trading", f"{_POLICY}:trader"),
        "bold-trader": Bot("trading", f"{_POLICY}:bold_trader"),
        "random-masked": Bot("noisy", "random-masked"),
    },
)
