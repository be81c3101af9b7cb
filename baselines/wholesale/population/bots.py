"""Who may sit beside an agent of a power system in focus: a table of bots, each of one role.

A population is frozen with the numbers that are published for it: another bot, or another rule
behind a bot, is another population with another name (a test holds what the bots of each play).
"""

from typing import Final

from p2p_market.evaluation.players.population import Bot, Population

_POLICY: Final = "baselines.wholesale.population.policy"

FIRST: Final = Population(
    "wholesale-population-1",
    {
        "truthful": Bot("at cost", "default", "generator"),
        "one-level-up": Bot("a little dearer", f"{_POLICY}:one_level_up", "generator"),
        "three-levels-up": Bot("dear", f"{_POLICY}:three_levels_up", "generator"),
        "withholding": Bot("offers nine tenths", f"{_POLICY}:withholding", "generator"),
        "thresholds": Bot("at fixed prices", "default", "storage"),
        "wide-thresholds": Bot("waits for better prices", f"{_POLICY}:wide_thresholds", "storage"),
        "storage-value": Bot("by what energy is worth", "storage-value", "storage"),
        "responsive": Bot("moves load at dear and cheap prices", "default", "consumer"),
        "rigid": Bot("moves no load", f"{_POLICY}:rigid", "consumer"),
        "thrifty": Bot("waits above coal's price", f"{_POLICY}:thrifty", "consumer"),
        "one-reserve": Bot("keeps one level", "default", "operator"),
        "two-reserves": Bot("keeps two levels", f"{_POLICY}:two_reserves", "operator"),
        "by-weather": Bot("looks at the wind", "reserve-by-weather", "operator"),
    },
)
