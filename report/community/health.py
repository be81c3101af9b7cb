"""A table of what a policy's weeks take of the health of batteries."""

import numpy as np

from p2p_market.community.health import health
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.records import BoolArray
from p2p_market.words import per, period
from report.pages import Table
from report.table import Line, amount


def health_tables(result: ScenarioResult) -> list[Table]:
    """One line per policy; no table where no battery has a type."""
    own = _with_a_life(result.scenario)
    if not own.any():
        return []
    per_episode = per(result.scenario.spec.days)
    return [
        Table(
            title="Health of batteries",
            caption=f"Batteries with a type ({int(own.sum())}): full cycles, and what these and "
            f"time take of the capacity in a year of such {period(result.scenario.spec.days)}s. "
            "Within an episode the capacity stays.",
            columns=(
                ("cycles", f"full, {per_episode}, mean"), ("fade", "% a year, mean"),
                ("fastest", "% a year"), ("at", ""),
            ),
            lines=[_line(result, row.policy, own) for row in result.played],
        )
    ]  # fmt: skip


def _with_a_life(scenario: Scenario) -> BoolArray:
    """Batteries whose ageing is known, (agent, asset)."""
    found = np.zeros(scenario.nodes.present.shape, dtype=np.bool_)
    for agent, own in enumerate(scenario.flexible):
        found[agent, : len(own)] = [node.ageing is not None for node in own]
    return found


def _line(result: ScenarioResult, policy: str, own: BoolArray) -> Line:
    """Figures of one policy as text."""
    told = health(result.scenario, result.trajectories[policy])
    fade = 100.0 * told.soh_loss_per_year.mean(axis=0)
    agent, asset = np.unravel_index(int(np.where(own, fade, -1.0).argmax()), fade.shape)
    cells = (
        amount(float(told.full_cycles.mean(axis=0)[own].mean()), 1),
        amount(float(fade[own].mean()), 1),
        amount(float(fade[agent, asset]), 1),
        f"prosumer_{agent}",
    )
    return Line(policy, cells)
