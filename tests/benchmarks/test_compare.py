"""The comparison of two runs, and the page's table, from made-up figures."""

import json

import pytest
from rich.console import Console

from tools.compare_benchmarks import (
    BASELINE,
    YARDSTICK,
    Figure,
    Run,
    amount,
    baseline_text,
    compare,
    read_baseline,
    read_run,
    table,
)
from tools.performance_page import GOALS, PAGE, RATIOS, figures_block, reached, replaced


def run_of(**fastest):
    figures = {name: Figure(2.0 * s, s, "step") for name, s in fastest.items()}
    return Run("a machine", {"python": "3.11"}, figures)


def test_a_change_is_told_from_a_slower_machine():
    before, now = run_of(step=1e-5, reset=1e-3), run_of(step=2e-5, reset=4e-3)
    before.figures[YARDSTICK], now.figures[YARDSTICK] = (Figure(1, s, "step") for s in (1e-4, 2e-4))
    step, reset, _ = compare(before, now)
    assert (step.change, step.normalised) == pytest.approx((1.0, 0.0))
    assert (reset.change, reset.normalised) == pytest.approx((3.0, 1.0))


def test_memory_is_not_normalised():
    before, now = run_of(), run_of()
    for run, s in ((before, 1.0), (now, 2.0)):
        run.figures[YARDSTICK] = Figure(s, s, "step")
        run.figures["memory"] = Figure(s, s, "environment", "MiB")
    assert compare(before, now)[1].normalised == pytest.approx(1.0)


def test_benchmarks_that_are_new_or_gone_are_shown():
    rows = compare(run_of(gone=1.0), run_of(new=1.0))
    assert [(row.name, row.change) for row in rows] == [("new", None), ("gone", None)]
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table(rows))
    assert "gone" in capture.get()


def test_a_run_becomes_a_baseline():
    entry = {"name": "a", "stats": {"median": 0.2, "min": 0.1}}
    memory = {"name": "b", "stats": entry["stats"], "extra_info": {"unit": "env", "mebibytes": 3.0}}
    entries = [entry | {"extra_info": {"unit": "auction", "count": 100}}, memory]
    text = json.dumps({"machine_info": {"python_version": "3.11.7"}, "benchmarks": entries})
    run = read_run(text, "a machine")
    assert run.figures == {
        "a": Figure(0.002, 0.001, "auction"),
        "b": Figure(3.0, 3.0, "env", "MiB"),
    }
    assert read_baseline(baseline_text(run)) == run


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4e-6, "4 us"), (6.2e-8, "62 ns")]
)
def test_amounts(seconds, text):
    assert amount(Figure(seconds, seconds, "step")) == text


def test_what_is_reached():
    step, batch, one = GOALS[0], GOALS[1], GOALS[3]
    assert [reached(step, us) for us in (101, 100, 60, 30)] == ["no", "bar", "goal", "record"]
    assert [reached(batch, rate) for rate in (3.9, 4, 8, 15)] == ["no", "bar", "goal", "record"]
    assert [reached(one, ratio) for ratio in (1.6, 1.5)] == ["no", "yes"]


def test_the_page_has_the_figures_of_the_stored_baseline():
    baseline = read_baseline(BASELINE.read_text("utf-8"))
    assert figures_block(baseline) in PAGE.read_text("utf-8")
    assert YARDSTICK in baseline.figures
    assert all({ours, plain} <= baseline.figures.keys() for _, ours, plain in RATIOS)


def test_only_the_block_is_replaced():
    assert replaced("a <b> old </b> c", "<b>", "</b>", "new") == "a <b>\n\nnew\n\n</b> c"
    with pytest.raises(AssertionError, match="no </b>"):
        replaced("a", "<b>", "</b>", "new")
