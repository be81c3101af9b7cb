"""Write the golden episodes anew: `python -m tests.battery.golden.regenerate`."""

from pathlib import Path

import numpy as np

from p2p_market.battery.actions import columns
from p2p_market.battery.episode.episode import draw, keys
from p2p_market.battery.records import COLUMN, LEDGER_ENTRIES
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.files import write_text
from p2p_market.registry import load_scenario
from tests.every_scenario import ids_of

SHOWN_STEPS = 24  # rows of the table, spread over the episode
SERIES = ("accepted_mw", "dam_mw", "afrr_mw", "energy_mw", "level_mwh")
PRICES = ("day_ahead", "intraday", "afrr_cap_up", "marginal", "activation", "mfrr_call")


def golden_path(scenario_id):
    return Path(__file__).parent / f"{scenario_id}.txt"


def scripted_actions(scenario):
    """A fixed script of integer arithmetic, different for each battery and column."""
    choices = np.array([column.choices for column in columns(scenario)])
    t = np.arange(scenario.steps)[:, None, None]
    i = np.arange(len(scenario.agents))[None, :, None]
    c = np.arange(len(choices))[None, None, :]
    mixed = ((t * 40_503 + i * 9_973 + c * 7_919) * 2_654_435_761) % 2**32 >> 16
    return (mixed % choices)[:, None].astype(float)


def text_of(name):
    scenario = load_scenario(name)
    episode = draw(scenario, keys(scenario, "test", 0)[0][0])
    played = rollout(scenario, episode, Recorded(scripted_actions(scenario)), "script")
    lines = [
        f"scenario  {name}",
        f"episode   {episode.keys[0]}",
        f"data      {scenario.data.digest}",
        f"chain     {played.digests[0]}",
        "",
        _row(["step", *PRICES, *SERIES]),
    ]
    for t in np.linspace(0, scenario.steps - 1, SHOWN_STEPS).astype(int):
        prices = [episode.market[0, t + 1, COLUMN[name]] for name in PRICES]
        sums = [played.series[name][t].sum() for name in SERIES]
        lines.append(_row([str(t), *(f"{value:.4f}" for value in prices + sums)]))
    lines += ["", "EUR of the episode", _row(["agent", *LEDGER_ENTRIES])]
    for agent, row in zip(scenario.agents, played.entries_eur[:, 0].sum(axis=0), strict=True):
        lines.append(_row([agent, *(f"{value:.4f}" for value in row)]))
    return "\n".join(lines) + "\n"


def _row(cells):
    return "  ".join(f"{cell:>14}" for cell in cells)


if __name__ == "__main__":
    for one in ids_of("battery"):
        write_text(golden_path(one), text_of(one))
