"""Write the golden episodes anew: `python -m tests.wholesale.golden.regenerate`."""

from pathlib import Path

import numpy as np

from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.files import write_text
from p2p_market.registry import load_scenario
from p2p_market.wholesale.episode.episode import draw, keys
from p2p_market.wholesale.records import LEDGER_ENTRIES
from p2p_market.wholesale.track import roles
from tests.every_scenario import ids_of

SHOWN_STEPS = 24  # rows of the table, spread over the episode
SERIES = ("output_mw", "power_mw", "load_mw", "level_mwh", "backlog_mwh", "deviation_hz")


def golden_path(scenario_id):
    return Path(__file__).parent / f"{scenario_id}.txt"


def scripted_actions(scenario):
    """A fixed script of integer arithmetic, different for each agent and column."""
    made = {}
    for number, role in enumerate(roles(scenario)):
        t = np.arange(scenario.steps)[:, None, None]
        i = np.arange(len(role.agents))[None, :, None] + 10 * number
        c = np.arange(len(role.columns))[None, None, :]
        mixed = ((t * 40_503 + i * 9_973 + c * 7_919) * 2_654_435_761) % 2**32 >> 16
        choices = role.columns[0].choices
        values = mixed % choices if choices else mixed / 2**15 - 1.0
        made[role.name] = np.asarray(values, dtype=np.float64)[:, None]
    return made


def text_of(name):
    scenario = load_scenario(name)
    episode = draw(scenario, keys(scenario, "test", 0)[0][0])
    played = rollout(scenario, episode, recorded(scripted_actions(scenario)), "script")
    lines = [
        f"scenario  {name}",
        f"episode   {episode.keys[0]}",
        f"data      {scenario.data.digest}",
        f"chain     {played.digests[0]}",
        "",
        _row(["step", "price", *SERIES]),
    ]
    for t in np.unique(np.linspace(0, scenario.steps - 1, SHOWN_STEPS).astype(int)):
        sums = [played.series[name][t].sum() for name in ("price_eur_per_mwh", *SERIES)]
        lines.append(_row([str(t), *(f"{value:.4f}" for value in sums)]))
    lines += ["", "EUR of the episode", _row(["agent", *LEDGER_ENTRIES])]
    for agent, row in zip(scenario.agents, played.entries_eur[:, 0].sum(axis=0), strict=True):
        lines.append(_row([agent, *(f"{value:.4f}" for value in row)]))
    return "\n".join(lines) + "\n"


def _row(cells):
    return "  ".join(f"{cell:>14}" for cell in cells)


if __name__ == "__main__":
    for one in ids_of("wholesale"):
        write_text(golden_path(one), text_of(one))
