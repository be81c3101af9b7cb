"""Who may sit beside an agent in focus: a table of bots, none of which learns from run to run.

A population is frozen with the numbers that are published for it: another bot, or another rule
behind a bot, is another population with another name (a test holds what the bots of each play).
"""

from typing import Final

from p2p_market.evaluation.players.population import Bot, Population

_POLICY: Final = "baselines.wholesale.population.policy"

FIRST: Final = Population(
    "wholesale-population-1",
    {
        "default": Bot("truthful", "default"),
        "climbing": Bot("adaptive", "ladder", "generator"),
        "marking-up": Bot("shading", f"{_POLICY}:marking_up", "generator"),
        "selling-half": Bot("withholding", f"{_POLICY}:selling_half", "generator"),
        "valuing": Bot("truthful", "storage-value", "storage"),
        "narrow": Bot("shading", f"{_POLICY}:narrow", "storage"),
        "half-power": Bot("withholding", f"{_POLICY}:half_power", "storage"),
        "inflexible": Bot("withholding", f"{_POLICY}:inflexible", "consumer"),
        "eager": Bot("shading", f"{_POLICY}:eager", "consumer"),
        "by-weather": Bot("adaptive", "reserve-by-weather", "operator"),
        "careful": Bot("withholding", f"{_POLICY}:careful", "operator"),
        "random-consumer": Bot("noisy", "random", "consumer"),
        "random-storage": Bot("noisy", "random", "storage"),
    },
)
