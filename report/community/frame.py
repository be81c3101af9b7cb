"""One step of an environment as an image: members, order book, storage."""

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from p2p_market.community.episode.episode import Episode
from p2p_market.community.records import Round, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray
from report.figures import BLUE, GREY, INK, ORANGE, STYLE, VERMILLION
from report.table import amount

SIZE_IN = (10.0, 6.0)
DPI = 100


def draw(
    scenario: Scenario, episode: Episode, state: State, outcome: Round | None
) -> NDArray[np.uint8]:
    """The step that was just played, of the first community; before it an empty market.

    Args:
        state: after the step.
        outcome: what the step produced, None right after a reset.

    Returns:
        (600, 1000, 3), 0 to 255.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE_IN, dpi=DPI, layout="constrained", facecolor="white")
        grid = figure.add_gridspec(2, 2, height_ratios=[1.2, 1.0])
        _members(figure.add_subplot(grid[0, :]), scenario, episode, state, outcome)
        _book(figure.add_subplot(grid[1, 0]), scenario, outcome)
        _storage(figure.add_subplot(grid[1, 1]), scenario, state)
        figure.suptitle(_title(scenario, state, outcome), fontsize=12)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # type: ignore[no-untyped-call]
        pixels: NDArray[Any] = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call]
    return pixels.copy()


def _title(scenario: Scenario, state: State, outcome: Round | None) -> str:
    hours = state.step * scenario.dt_h
    when = f"{scenario.spec.id}, day {int(hours // 24) + 1}, {int(hours % 24):02d}:"
    when += f"{round(60 * (hours % 1)):02d}"
    price = np.nan if outcome is None else outcome.fills.clearing_price_eur_per_kwh[0]
    if np.isnan(price):
        return f"{when}, no trade"
    assert outcome is not None
    traded = float(np.maximum(outcome.fills.power_kw[0], 0.0).sum())
    return f"{when}, {amount(traded, 2)} kW traded at {amount(float(price), 4)} EUR/kWh"


def _members(
    axes: Axes, scenario: Scenario, episode: Episode, state: State, outcome: Round | None
) -> None:
    """Net load of each member, and what of it neighbours served."""
    step = min(state.step, scenario.steps - 1)
    places = np.arange(len(scenario.agents))
    if outcome is None:
        net = (episode.load_kw - episode.pv_kw)[step, 0]
        fill = np.zeros_like(net)
    else:
        net, fill = outcome.action.net_load_kw[0], outcome.fills.power_kw[0]
    axes.bar(places, net, 0.8, color="#c8ccd0", label="net load")
    axes.bar(places, fill, 0.45, color=BLUE, label="of it traded with neighbours")
    axes.axhline(0.0, color=GREY, linewidth=1.0)
    axes.set_ylabel("power [kW], + = deficit")
    axes.set_xlabel("prosumer")
    every = max(1, len(places) // 20)
    axes.set_xticks(places[::every], [str(place) for place in places[::every]])
    axes.margins(x=0.01)
    axes.legend(loc="best", frameon=False, ncols=2)


def _book(axes: Axes, scenario: Scenario, outcome: Round | None) -> None:
    """Bids and asks in merit order, and the clearing price."""
    axes.set_title("order book", loc="left", weight="bold")
    axes.set_xlabel("power [kW]")
    axes.set_ylabel("price [EUR/kWh]")
    axes.set_ylim(0.0, scenario.spec.price_max_eur_per_kwh)
    if outcome is None:
        return
    quantity, price = outcome.action.quantity_kw[0], outcome.action.price_eur_per_kwh[0]
    for side, color, name in ((1.0, BLUE, "bids"), (-1.0, ORANGE, "asks")):
        power, limit = _curve(side * quantity, price, descending=side > 0.0)
        axes.step(power, limit, where="pre", color=color, linewidth=2.0, label=name)
    clearing = outcome.fills.clearing_price_eur_per_kwh[0]
    if not np.isnan(clearing):
        axes.axhline(clearing, color=VERMILLION, linewidth=1.2, label="clearing price")
    axes.set_xlim(left=0.0)
    axes.legend(loc="best", frameon=False)


def _curve(
    quantity: FloatArray, price: FloatArray, descending: bool
) -> tuple[FloatArray, FloatArray]:
    """Cumulated power and limit price of one side."""
    own = np.flatnonzero(quantity > 0.0)
    order = own[np.argsort(-price[own] if descending else price[own], kind="stable")]
    if not len(order):
        return np.zeros(1), np.full(1, np.nan)
    power = np.concatenate([[0.0], np.cumsum(quantity[order])])
    return power, np.concatenate([price[order[:1]], price[order]])


def _storage(axes: Axes, scenario: Scenario, state: State) -> None:
    """Levels of all flexible assets."""
    nodes = scenario.nodes
    top, level = nodes.energy_max_kwh[nodes.present], state.energy_kwh[0][nodes.present]
    owner = [str(agent) for agent in np.nonzero(nodes.present)[0]]
    places = np.arange(len(top))
    axes.set_title("storage", loc="left", weight="bold")
    axes.bar(places, level, 0.8, color="#56B4E9")
    axes.bar(places, top, 0.8, color="none", edgecolor=INK, linewidth=0.8)
    every = max(1, len(places) // 16)
    axes.set_xticks(places[::every], owner[::every])
    axes.set_xlabel("prosumer")
    axes.set_ylabel("energy [kWh]")
