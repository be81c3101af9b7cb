"""Speed by the number of prosumers and of communities, as the picture of `docs/performance.md`.

    python -m tools.measure_scaling

plays hourly communities made of the members of `community-64-v0` again and again, with random
actions, and writes `docs/images/scaling.json` and `scaling.svg`; `--draw` only draws. It takes a
few minutes and means something on a quiet machine only.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from p2p_market.commands.console import progress_bar
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.running.processes import processors
from tools.large_communities import grown

FOLDER: Final = Path(__file__).parent.parent / "docs" / "images"
BASE: Final = "community-64-v0"
PROSUMERS: Final = (4, 16, 64, 256, 1000, 4000, 10_000)
BATCHES: Final = (1, 4, 16, 64, 256, 1024, 4096)
RATES: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)  # marks of the picture's axis
IN_ALL: Final = 16_384  # prosumers of all communities, where their number is what varies
SECONDS: Final = 3.0  # for each point
CORES: Final = processors()

ONE, ALL, SINGLE = "make_batch, one core", f"make_batch, {CORES} cores", "PettingZoo, one community"
ALONE: Final = "make_batch, one community"
_LINE: Final[dict[str, Any]] = {"marker": "o", "markersize": 4}
STYLES: Final = {
    "prosumers": (
        _LINE | {"color": "C0"},
        _LINE | {"color": "C1"},
        _LINE | {"color": "C0", "linestyle": "--", "markerfacecolor": "white"},
        _LINE | {"color": "C2"},
    ),
    "batch": (
        _LINE | {"color": "C0"},
        _LINE | {"color": "C1"},
        _LINE | {"color": "C2", "linestyle": ""},
    ),
}
Points = dict[str, dict[str, float]]  # line -> place on the axis -> agent-steps per second


def rate(step: Callable[[], object], agents: int) -> float:
    """Agent-steps per second in the median step; a reset now and then does not count."""
    seconds: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(seconds) < 20:
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return agents / median(seconds)


def batched(scenario: Scenario, batch: int, threads: int) -> float:
    """Rate of so many communities through arrays."""
    many = CommunityBatch(scenario, batch, threads)
    many.reset(seed=0)
    shape = (batch, len(scenario.agents), many.action_map.width)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)
    many.step(actions)
    return rate(lambda: many.step(actions), shape[0] * shape[1])


def single(scenario: Scenario) -> float:
    """Rate of one community through dictionaries."""
    env = CommunityEnv(scenario)
    env.reset(seed=0)
    width, generator = env.action_map.width, np.random.default_rng(0)
    actions = {a: generator.uniform(-1.0, 1.0, width).astype(np.float32) for a in scenario.agents}
    env.step(actions)
    return rate(lambda: env.step(actions) if env.agents else env.reset(), len(scenario.agents))


def by_prosumers(done: Callable[[], None]) -> Points:
    """Rates over the size of a community."""
    points: Points = {ONE: {}, ALL: {}, ALONE: {}, SINGLE: {}}
    for prosumers in PROSUMERS:
        scenario, batch = grown(BASE, prosumers), max(1, IN_ALL // prosumers)
        points[ONE][str(prosumers)] = batched(scenario, batch, 1)
        points[ALL][str(prosumers)] = batched(scenario, batch, CORES)
        points[ALONE][str(prosumers)] = batched(scenario, 1, 1)
        points[SINGLE][str(prosumers)] = single(scenario)
        done()
    return points


def by_batch(done: Callable[[], None]) -> Points:
    """Rates over the number of communities of 16."""
    scenario = grown(BASE, 16)
    points: Points = {ONE: {}, ALL: {}, SINGLE: {"1": single(scenario)}}
    for batch in BATCHES:
        points[ONE][str(batch)] = batched(scenario, batch, 1)
        points[ALL][str(batch)] = batched(scenario, batch, CORES)
        done()
    return points


def draw(measured: dict[str, Points], path: Path) -> None:
    """The picture, two panels with one axis of rates."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "scaling", "svg.fonttype": "none", "font.size": 9.5}):
        figure = Figure(figsize=(11.0, 4.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(1, 2, sharey=True)
        titles = {
            "prosumers": (
                "prosumers in a community",
                f"Larger communities (solid: about {IN_ALL:,} prosumers in all)",
            ),
            "batch": ("communities at once", "More communities of 16 prosumers"),
        }
        for panel, (name, (label, title)) in zip(axes, titles.items(), strict=True):
            for (line, points), style in zip(measured[name].items(), STYLES[name], strict=True):
                places = [int(place) for place in points]
                panel.plot(places, [each / 1e6 for each in points.values()], label=line, **style)
            panel.set(xscale="log", yscale="log", xlabel=label, title=title)
            ticks = PROSUMERS if name == "prosumers" else BATCHES
            panel.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
            panel.set_yticks(RATES, [f"{each:g}" for each in RATES])
            panel.minorticks_off()
            panel.grid(alpha=0.3)
            panel.legend(frameon=False, fontsize=9, loc="lower right")
        axes[0].set_ylabel("million agent-steps per second")
        axes[0].set_ylim(RATES[0], RATES[-1])
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    FOLDER.mkdir(exist_ok=True)
    stored = FOLDER / "scaling.json"
    if not parser.parse_args().draw:
        with progress_bar() as progress:
            task = progress.add_task("scaling", total=len(PROSUMERS) + len(BATCHES))
            done = partial(progress.advance, task)
            measured = {"prosumers": by_prosumers(done), "batch": by_batch(done)}
        stored.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    draw(json.loads(stored.read_text("utf-8")), FOLDER / "scaling.svg")


if __name__ == "__main__":
    main()
