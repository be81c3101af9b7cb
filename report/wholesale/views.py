"""The six views by name, each with what it shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from report.wholesale import agents, environment, grid, market, network, system
from report.wholesale.view import View


@dataclass(frozen=True, slots=True)
class Shown:
    """A view: what it says, and what draws it."""

    caption: str
    figure: Callable[[View, int], Any]


VIEWS: Final[Mapping[str, Shown]] = {
    "Grid overview": Shown(
        "Frequency below and above 50 Hz with its band, voltage of each bus with its band, the "
        "operator's reserve level and tap, steps in alert or emergency, and who gives and takes.",
        grid.figure,
    ),
    "Market information": Shown(
        "Offers from the cheapest on and bids from the dearest on; the auction clears where they "
        "cross. Below, clearing prices beside what truthful offers promise for expected net load.",
        market.figure,
    ),
    "Agent performance": Shown(
        "What each agent earned so far, below zero it paid; what it asked for and got in this "
        "step; how often the supervisor held it.",
        agents.figure,
    ),
    "System charts": Shown(
        "Output of each unit, cheapest at the bottom, beside the load; what is stored; flexible "
        "load that waits; the cost of all.",
        system.figure,
    ),
    "Environmental metrics": Shown(
        "CO2 per MWh of load, tonnes so far, share of wind and sun in the load, and what of them "
        "was not used.",
        environment.figure,
    ),
    "Communication network": Shown(
        "Who said how much to whom, by kind of message; what all may hear goes to the middle.",
        network.figure,
    ),
}
