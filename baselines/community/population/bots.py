"""Who may sit beside an agent in focus: a table of bots, none of which learns from run to run.

A population is frozen with the numbers that were published for it: another bot, or another rule
behind a bot, is another population with another name (a test holds what the bots of each play).
"""

from typing import Final

from p2p_market.evaluation.players.population import Bot, Population

FIRST: Final = Population(
    "population-1",
    {
        "truthful": Bot("truthful", "truthful"),
        "storage-value": Bot("truthful", "storage-value"),
        "shading-10": Bot("shading", "baselines.community.population.policy:shading_10"),
        "shading-20": Bot("shading", "baselines.community.population.policy:shading_20"),
        "shading-30": Bot("shading", "baselines.community.population.policy:shading_30"),
        "selling-half": Bot("withholding", "baselines.community.population.policy:selling_half"),
        "buying-half": Bot("withholding", "baselines.community.population.policy:buying_half"),
        "hoarding": Bot("withholding", "baselines.community.population.policy:hoarding"),
        "zip": Bot("adaptive", "zip"),
        "gjerstad-dickhaut": Bot("adaptive", "gjerstad-dickhaut"),
        "zero-intelligence": Bot("noisy", "zero-intelligence"),
        "erring": Bot("noisy", "baselines.community.population.policy:erring"),
    },
)
