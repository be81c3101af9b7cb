"""Golden episodes: one scripted episode per scenario as text that shows in review what changed."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.records import LEDGER_ENTRIES
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory

SHOWN_STEPS: Final = 24  # rows of the table, spread over the episode


def scripted_actions(scenario: Scenario, seed: int = 0) -> FloatArray:
    """A fixed script of integer arithmetic, different for each agent and column.

    Returns:
        (step, 1, agent, column), normalised, all multiples of 1/8.
    """
    steps, agents = scenario.steps, len(scenario.agents)
    width = action_map(scenario).width
    t = np.arange(steps)[:, None, None]
    i = np.arange(agents)[None, :, None]
    c = np.arange(width)[None, None, :]
    mixed = ((t * 40_503 + i * 9_973 + c * 7_919 + seed) * 2_654_435_761) % 2**32 >> 16
    script: FloatArray = (mixed % 17 - 8) / 8.0
    return script[:, None]


def traced_episode(scenario: Scenario, seed: int = 0) -> Episode:
    """The first week of the test split, which golden files hold."""
    return draw(scenario, choose_key(scenario, seed, "test", 5))


def render(scenario: Scenario, episode: Episode, played: Trajectory) -> str:
    """The trace as text: digests, some steps of the community, the ledger of every agent."""
    lines = [
        f"scenario  {scenario.spec.id}",
        f"episode   {episode.keys[0]}",
        f"data      {scenario.data.digest}",
        f"chain     {played.digests[0]}",
        "",
        _row(
            [
                "step",
                "load kW",
                "pv kW",
                "traded kW",
                "price",
                "import kW",
                "export kW",
                "stored kWh",
            ]
        ),
    ]
    for t in np.linspace(0, scenario.steps - 1, SHOWN_STEPS).astype(int):
        values = [
            episode.load_kw[t].sum(),
            episode.pv_kw[t].sum(),
            np.maximum(played.series["fill_kw"][t], 0.0).sum(),
            played.series["clearing_price_eur_per_kwh"][t, 0],
            played.series["import_kw"][t].sum(),
            played.series["export_kw"][t].sum(),
            played.series["energy_kwh"][t].sum(),
        ]
        lines.append(_row([str(t), *(f"{value:.4f}" for value in values)]))
    lines += ["", "EUR of the episode", _row(["agent", *LEDGER_ENTRIES])]
    for agent, row in zip(scenario.agents, played.entries_eur[:, 0].sum(axis=0), strict=True):
        lines.append(_row([agent, *(f"{value:.4f}" for value in row)]))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "  ".join(f"{cell:>14}" for cell in cells)
