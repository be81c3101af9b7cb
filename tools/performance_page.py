"""The figures of `docs/performance.md`, out of a run of the benchmarks."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tools.compare_benchmarks import Figure, Run

PAGE: Final = Path(__file__).parent.parent / "docs" / "performance.md"
START: Final = "<!-- measured: make bench-baseline -->"
STOP: Final = "<!-- end of measured -->"

Figures = Mapping[str, Figure]


class Goal(NamedTuple):
    """What shall be reached, in a unit in which the page gives it."""

    what: str
    unit: str
    value: Callable[[Figures], float]
    goals: tuple[float, ...]  # bar, goal, record; fewer where there are fewer
    more: bool = False  # more is better


def _time(name: str, unit_s: float) -> Callable[[Figures], float]:
    return lambda figures: figures[name].median / unit_s


def _rate(name: str) -> Callable[[Figures], float]:
    return lambda figures: 1e-6 / figures[name].median


def _ratio(name: str, to: str) -> Callable[[Figures], float]:
    return lambda figures: figures[name].median / figures[to].median


GOALS: Final = (
    Goal(
        "`env.step`, 16 prosumers, lean infos", "us",
        _time("test_step[lean]", 1e-6), (100, 60, 30),
    ),
    Goal(
        "1,024 communities of 16, one core", "M agent-steps/s",
        _rate("test_batch[1024-one core]"), (4, 8, 15), more=True,
    ),
    Goal(
        "1,024 communities of 16, all cores", "M agent-steps/s",
        _rate("test_batch[1024-all cores]"), (7, 15, 28), more=True,
    ),
    Goal(
        "an agent among 1,000, against one among 16", "times",
        _ratio("test_size[1000-16]", "test_size[16-1000]"), (1.5,),
    ),
    Goal(
        "an auction of 1,000,000 orders", "ms",
        _time("test_auction[1000000]", 1e-3), (100, 30, 16),
    ),
    Goal(
        "an auction of 16 orders inside a step", "us",
        _time("test_auction_inside[k_double_auction]", 1e-6), (2,),
    ),
    Goal("`env.reset`, a week", "ms", _time("test_reset", 1e-3), (5,)),
    Goal("`import p2p_market`, the whole process", "s", _time("test_import", 1.0), (0.6,)),
    Goal(
        "first step after installing, all compiled anew", "s",
        _time("test_first_step_after_install", 1.0), (60,),
    ),
    Goal("first step later, the whole process", "s", _time("test_first_step", 1.0), (2,)),
    Goal(
        "one more environment on the same scenario", "MiB",
        _time("test_memory[parallel_env]", 1.0), (5,),
    ),
    Goal("one more by `make`", "MiB", _time("test_memory[make]", 1.0), (5,)),
)  # fmt: skip

RATIOS: Final = (
    ("one step, 16 prosumers", "test_step[lean]", "test_step_in_numpy"),
    ("the pure step, 16 prosumers", "test_step_of_the_pure_engine", "test_step_in_numpy"),
    ("64 communities, one core", "test_batch[64-one core]", "test_batch_in_numpy[64]"),
    ("1,024 communities, one core", "test_batch[1024-one core]", "test_batch_in_numpy[1024]"),
    ("auction of 16 orders from Python", "test_auction[16]", "test_auction_in_numpy[16]"),
    ("auction of 1,000 orders", "test_auction[1000]", "test_auction_in_numpy[1000]"),
    ("auction of 100,000 orders", "test_auction[100000]", "test_auction_in_numpy[100000]"),
    ("auction of 1,000,000 orders", "test_auction[1000000]", "test_auction_in_numpy[1000000]"),
)
"""What, ours, the same in NumPy."""


def reached(goal: Goal, value: float) -> str:
    """The highest of bar, goal and record that a value reaches."""
    met = [value >= one if goal.more else value <= one for one in goal.goals]
    return ("no", "bar", "goal", "record")[sum(met)] if len(met) > 1 else ("no", "yes")[sum(met)]


def figures_block(run: Run) -> str:
    """Both tables of the page."""
    libraries = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    lines = [
        f"Measured on {run.machine}; {libraries}. Medians.",
        "",
        "| what | unit | bar | goal | record | measured | reached |",
        "|---|---|---|---|---|---|---|",
    ]
    for goal in GOALS:
        value = goal.value(run.figures)
        wanted = [f"{one:g}" for one in goal.goals] + ["-"] * (3 - len(goal.goals))
        cells = [goal.what, goal.unit, *wanted, f"**{value:.3g}**", reached(goal, value)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "| against NumPy in the same run | NumPy takes so many times as long |",
        "|---|---|",
    ]
    for what, ours, plain in RATIOS:
        lines.append(f"| {what} | {_ratio(plain, ours)(run.figures):.1f} |")
    return "\n".join(lines)


def replaced(text: str, start: str, stop: str, block: str) -> str:
    """A page with another text between two markers."""
    before, _, rest = text.partition(start)
    _, found, after = rest.partition(stop)
    assert found, f"no {stop} after {start}"
    return f"{before}{start}\n\n{block}\n\n{stop}{after}"


def write_figures(run: Run) -> None:
    """Put a run's figures into the page."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(replaced(text, START, STOP, figures_block(run)), encoding="utf-8")
