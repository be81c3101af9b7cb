"""What a change did to the speed: a run of the benchmarks beside the stored baseline.

    python -m tools.compare_benchmarks .benchmarks/latest.json
    python -m tools.compare_benchmarks .benchmarks/latest.json --renew "a quiet laptop, two cores"

The first prints a table, the second stores the run as the new baseline, and its figures in
`docs/performance.md`. `make bench` and `make bench-baseline` do it all.

A change is that of the fastest round, which other programs disturb least. The last column divides
both runs by their own yardstick, a step in plain NumPy: it tells a slower program from a slower
machine. Below about 20 % nothing is said.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

BASELINE: Final = Path(__file__).parent.parent / "tests" / "benchmarks" / "baseline.json"
YARDSTICK: Final = "test_batch_in_numpy[64]"
LIBRARIES: Final = ("numpy", "numba", "pettingzoo")
NOISE: Final = 0.2
WIDTH: Final = 100  # of the table, where the terminal has less


@dataclass(frozen=True, slots=True)
class Figure:
    """What one benchmark gave, for one of what it does."""

    median: float
    fastest: float
    per: str  # for example "agent-step"
    unit: str = "s"


@dataclass(frozen=True, slots=True)
class Run:
    """The figures of one run, and where it ran."""

    machine: str
    versions: dict[str, str]
    figures: dict[str, Figure]


@dataclass(frozen=True, slots=True)
class Row:
    """One benchmark in both runs; what is missing is None."""

    name: str
    before: Figure | None
    now: Figure | None
    change: float | None = None
    normalised: float | None = None  # by the yardstick of each run


def read_run(text: str, machine: str) -> Run:
    """The figures of a run, out of what pytest-benchmark writes."""
    content = json.loads(text)
    figures = {entry["name"]: _figure(entry) for entry in content["benchmarks"]}
    versions = {"python": content["machine_info"]["python_version"]}
    return Run(machine, versions | {name: version(name) for name in LIBRARIES}, figures)


def _figure(entry: dict[str, Any]) -> Figure:
    extra, stats = entry["extra_info"], entry["stats"]
    if "mebibytes" in extra:
        return Figure(extra["mebibytes"], extra["mebibytes"], extra["unit"], "MiB")
    count = extra["count"]
    return Figure(stats["median"] / count, stats["min"] / count, extra["unit"])


def read_baseline(text: str) -> Run:
    """The stored run."""
    content = json.loads(text)
    figures = {name: Figure(**figure) for name, figure in content["figures"].items()}
    return Run(content["machine"], content["versions"], figures)


def baseline_text(run: Run) -> str:
    """A run as it is stored, with four digits."""
    figures = {name: asdict(figure) for name, figure in sorted(run.figures.items())}
    for figure in figures.values():
        figure |= {key: float(f"{figure[key]:.4g}") for key in ("median", "fastest")}
    content = {"machine": run.machine, "versions": run.versions, "figures": figures}
    return json.dumps(content, indent=1) + "\n"


def compare(before: Run, now: Run) -> list[Row]:
    """Each benchmark in both runs, in the order of the new one; then those that are gone."""
    speed = 1.0
    if YARDSTICK in before.figures and YARDSTICK in now.figures:
        speed = now.figures[YARDSTICK].fastest / before.figures[YARDSTICK].fastest
    rows = []
    for name in [*now.figures, *(before.figures.keys() - now.figures.keys())]:
        old, new = before.figures.get(name), now.figures.get(name)
        if old is None or new is None:
            rows.append(Row(name, old, new))
            continue
        ratio = new.fastest / old.fastest
        rows.append(
            Row(name, old, new, ratio - 1.0, ratio / (speed if new.unit == "s" else 1.0) - 1.0)
        )
    return rows


def amount(figure: Figure | None) -> str:
    """The median with three digits and its unit."""
    if figure is None:
        return "-"
    if figure.unit != "s":
        return f"{figure.median:.3g} {figure.unit}"
    for size, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if figure.median >= size:
            return f"{figure.median / size:.3g} {name}"
    return f"{figure.median / 1e-9:.3g} ns"


def _percent(change: float | None) -> str:
    if change is None:
        return "-"
    colour = "" if abs(change) < NOISE else "[red]" if change > 0.0 else "[green]"
    return f"{colour}{100.0 * change:+.0f} %"


def table(rows: list[Row]) -> Table:
    """The table on screen."""
    columns = ("baseline", "now", "change", "on equal machines")
    shown = Table(box=SIMPLE_HEAD)
    shown.add_column("benchmark", overflow="fold")
    shown.add_column("of one", no_wrap=True)
    for column in columns:
        shown.add_column(column, justify="right", no_wrap=column != columns[-1])
    for row in rows:
        either = row.now or row.before
        assert either is not None
        cells = (
            amount(row.before),
            amount(row.now),
            _percent(row.change),
            _percent(row.normalised),
        )
        shown.add_row(row.name.removeprefix("test_").replace("[", r"\["), either.per, *cells)
    return shown


def main() -> None:
    """Print the comparison, or renew the baseline."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, help="what --benchmark-json wrote")
    parser.add_argument(
        "--renew", metavar="MACHINE", help="store the run, measured on this machine"
    )
    options = parser.parse_args()
    now = read_run(options.run.read_text("utf-8"), options.renew or "this machine")
    console = Console()
    console.width = max(console.width, WIDTH)
    if BASELINE.exists():
        before = read_baseline(BASELINE.read_text("utf-8"))
        console.print(table(compare(before, now)))
        console.print(
            f"Baseline: {before.machine}. Change: of the fastest rounds, coloured from "
            f"{NOISE:.0%} on; on equal machines: both divided by {YARDSTICK!r} of their run.",
            markup=False,
            highlight=False,
        )
    if options.renew:
        from tools.performance_page import write_figures

        BASELINE.write_text(baseline_text(now), encoding="utf-8")
        write_figures(now)


if __name__ == "__main__":
    main()
