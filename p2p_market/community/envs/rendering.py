"""What a step looks like: a line of text here, an image from the report of a checkout."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.community.episode.episode import Episode
from p2p_market.community.records import Round, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import RenderError
from p2p_market.loading import import_ours, needing

FRAME: Final = "report.community.frame:draw"
"""`module:function` that draws, imported on use: it needs matplotlib."""


def one_line(scenario: Scenario, state: State, outcome: Round | None) -> str:
    """Step, flows, trade and storage of the first community."""
    stored = f"{state.energy_kwh[0].sum():.2f} kWh stored"
    place = f"{scenario.spec.id} step {state.step}/{scenario.steps}"
    if outcome is None:
        return f"{place}: {stored}"
    traded = np.maximum(outcome.fills.power_kw[0], 0.0).sum()
    price = outcome.fills.clearing_price_eur_per_kwh[0]
    at = "" if np.isnan(price) else f" at {price:.4f} EUR/kWh"
    bought, sold = outcome.flows.import_kw[0].sum(), outcome.flows.export_kw[0].sum()
    return (
        f"{place}: {traded:.2f} kW traded{at}, {bought:.2f} kW imported, "
        f"{sold:.2f} kW exported, {stored}"
    )


def image(
    scenario: Scenario, episode: Episode, state: State, outcome: Round | None
) -> NDArray[np.uint8]:
    """A figure of members, order book and storage, (height, width, 3).

    Raises:
        RenderError: if the drawing code or matplotlib is not there.
    """
    module, _, function = FRAME.partition(":")
    try:
        draw = getattr(import_ours(module), function)
    except ImportError as error:
        raise RenderError(f"cannot draw ({error}); an image needs {needing('report')}") from error
    pixels: NDArray[np.uint8] = draw(scenario, episode, state, outcome)
    return pixels
