"""`docs/results.md` out of the records: `python -m tools.publish page`, or `make results`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from p2p_market.evaluation.statistics.bootstrap import Interval
from tools.build_cards import table
from tools.publish import focal_role, who_gains
from tools.publish.numbers import Line, curve, lines, validation_score
from tools.publish.pictures import draw_curves, draw_scores
from tools.publish.plan import (
    ABLATED,
    ABLATIONS,
    AGENT_STEPS,
    CHOICE_STEPS,
    CHOICES,
    MACHINE_STEPS,
    METHODS,
)
from tools.publish.score import BATTERY, MACHINES, TEST

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "results.md"
TEXT: Final = Path(__file__).with_name("results.md")  # what a person wrote, with places for tables


def write_page() -> None:
    """The page and its pictures."""
    boards = {board.scenario: lines(board) for board in TEST}
    draw_scores(boards, DOCS / "images" / "results-scores.svg")
    draw_curves(DOCS / "images" / "results-learning.svg")
    PAGE.write_text(page(boards), encoding="utf-8")


def page(boards: Mapping[str, Sequence[Line]] | None = None) -> str:
    """The text, its tables filled in."""
    boards = boards or {board.scenario: lines(board) for board in TEST}
    parts = {f"scores {scenario}": scores(found) for scenario, found in boards.items()}
    others = [board for board in (*MACHINES, *BATTERY) if board.split == "test"]
    parts |= {f"scores {board.scenario}": scores(lines(board)) for board in others}
    parts |= {f"focal {seats.scenario}": one_seat(seats) for seats in focal_role.SEATS}
    parts["times"], parts["ablations"] = times(), ablations()
    parts["scores contracts-12-v0"] = who_gains.scores()
    text = TEXT.read_text(encoding="utf-8")
    for name, part in parts.items():
        place = f"<!-- {name} -->"
        if text.count(place) != 1:
            raise SystemExit(f"{TEXT}: needs {place} once")
        text = text.replace(place, part)
    return text


def scores(found: Sequence[Line]) -> str:
    """All players of a board."""
    head = ["player", "trainings", "score", "95 % interval", "lowest to highest training"]
    against = list(found[0].over)
    head += [f"above `{name}`" for name in against] + ["EUR saved a week"]
    rows = []
    for line in found:
        spread = f"{line.lowest:.1f} to {line.highest:.1f}" if line.trainings > 1 else ""
        over = ["" if line.title == f"`{name}`" else _signed(line.over[name]) for name in against]
        rows.append([
            line.title, line.trainings or "", f"**{line.score.point:.1f}**",
            f"{line.score.low:.1f} to {line.score.high:.1f}", spread, *over,
            f"{line.saved_eur:.1f}",
        ])  # fmt: skip
    return table(head, rows)


def _signed(value: Interval) -> str:
    return f"{value.point:+.1f} ({value.low:+.1f} to {value.high:+.1f})"


def one_seat(seats: focal_role.Seats) -> str:
    """Savings of the seat in focus, EUR a week."""
    record = focal_role.read(seats)
    rows = []
    for row in record["policies"]:
        saving, short, gain = (
            row["mean_eur"][key] for key in ("saving_eur", "short_eur", "others_gain_eur")
        )
        rows.append([
            focal_role.title_of(row["policy"]), f"**{saving['point']:.2f}**",
            f"{saving['low']:.2f} to {saving['high']:.2f}", f"{short['point']:.2f}",
            f"{gain['point']:+.2f}",
        ])  # fmt: skip
    best = record["best_response_at_least"]["mean_eur"]
    rows.append(["best response, at least", f"**{best:.2f}**", "", "0.00", ""])
    head = ["player of the seat", "EUR saved a week", "95 % interval", "short of best", "others"]
    return table(head, rows)


def times() -> str:
    """Length of the trainings."""
    rows = []
    lengths_and_methods = (
        (AGENT_STEPS, METHODS), (MACHINE_STEPS, METHODS), (CHOICE_STEPS, CHOICES),
    )  # fmt: skip
    for lengths, methods in lengths_and_methods:
        for scenario, steps in lengths.items():
            for name, method in methods.items():
                found = curve(scenario, name)
                if found is None:
                    continue
                seconds = sorted(found.seconds)[len(found.seconds) // 2]
                rows.append([f"`{scenario}`", method.title, f"{steps / 1e6:g} M", f"{seconds:.0f}"])
    return table(["scenario", "method", "agent-steps", "seconds, median"], rows)


def ablations() -> str:
    """Options beside the trainings without and with a warm start."""
    rows = []
    for name in ("mappo-cold", "mappo"):
        rows.append(_ablation(name, METHODS[name].title))
    rows += [_ablation(name, method.title) for name, method in ABLATIONS.items()]
    rows += [
        [f"`{name}`", "", f"{validation_score(ABLATED, name):.1f}", "", ""]
        for name in ("truthful", "storage-value", "mpc-alone")
    ]
    head = ["what", "trainings", "score at the end", "lowest to highest", "seconds, median"]
    return table(head, [row for row in rows if row])


def _ablation(name: str, title: str) -> list[object]:
    found = curve(ABLATED, name)
    if found is None:
        return []
    last, seconds = found.score[:, -1], sorted(found.seconds)[len(found.seconds) // 2]
    spread = f"{last.min():.1f} to {last.max():.1f}"
    return [title, len(last), f"**{last.mean():.1f}**", spread, f"{seconds:.0f}"]
