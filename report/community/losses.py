"""Why each policy loses: a figure over the hours of the day, a table of causes, a sentence each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from p2p_market.community.optimum.breakdown import HOURS, OF_DEVICES, Breakdown, Cause
from p2p_market.evaluation.benchmark import Row, ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.track import OPTIMUM
from p2p_market.words import per
from report.figures import BLUE, ORANGE, VERMILLION, Picture, short, svg
from report.pages import Why
from report.table import Line, amount

TITLE: Final = "Why it loses"
NO_PRICES: Final = (
    "The optimum of this scenario has integer variables, so no prices prove its bound, and what "
    "the policies lose cannot be split into single choices."
)
SEEN: Final = 0.01  # of the tallest bar; causes below in all hours are not drawn
SHOWN: Final = 3  # policies in the figure beside the rule
SMALLEST: Final = 0.005  # EUR per episode; causes below for all policies are left out
LITTLE: Final = 0.01  # of what the rule loses; who loses less has no causes worth telling
TOLD_SHARE: Final = 0.1  # causes below are not in the sentence
MOSTLY: Final = 0.6  # the hours named hold so much of a cause
HARDEST: Final = 2.0  # times an equal share; members that lose less are not named
WIDEST: Final = 12  # columns of the table; more causes are lines
LONGEST_H: Final = 10  # more hours are no time of the day
ALL_MATCHED: Final = "trade with the grid that better storage would have left to neighbours"
"""What is said of trade where all surpluses and deficits that there were have been matched."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of choice is named and drawn."""

    name: str  # after the device, if it has one
    color: str
    meaning: str
    told: str  # in a sentence, after the device


LOOKS: Final = {
    "exchange": Look(
        "trade",
        BLUE,
        "traded with the grid where neighbours have the better price at the optimum, or the "
        "reverse; where the allocation gap is zero, storage left neighbours nothing to match",
        "trade with the grid instead of neighbours",
    ),
    "net_load": Look(
        "net load",
        "#56B4E9",
        "took or gave energy that, after network fees, was better used at home",
        "net load that should have stayed at home",
    ),
    "power": Look(
        "power",
        "#CC79A7",
        "charged or discharged where wear and losses exceeded the gain, or did nothing where "
        "moving would have paid",
        "power at a wrong price",
    ),
    "empty": Look(
        "too empty",
        ORANGE,
        "held too little when stored energy was about to become worth more",
        "too empty",
    ),
    "full": Look(
        "too full",
        VERMILLION,
        "held too much when stored energy was about to become worth less",
        "too full",
    ),
    "line": Look("line", "#555555", "the feeder carried more or less than its price tells", "line"),
    "cuts": Look("cuts", "#8B0000", "load or PV was cut where it did not pay", "cut load or PV"),
}
"""Choice -> look; the device is told by the hatch."""

HATCHES: Final = ("", "////", "....", "xxxx")  # of the kinds of devices, in the scenario's order


def why(result: ScenarioResult) -> Why:
    """Causes of what each policy but the optimum loses."""
    rows = [row for row in result.rows if row.policy != OPTIMUM and row.lost is not None]
    if not rows:
        return Why(NO_PRICES, None, [], [], "policy", [], "", [])
    shown, per_episode = _shown(rows), per(result.scenario.spec.days)
    return Why(
        note="",
        picture=_picture(result, rows, shown),
        meanings=list({LOOKS[c.choice].name: LOOKS[c.choice].meaning for c in shown}.items()),
        sentences=[(row.policy, sentence(row, rows[0], per_episode)) for row in rows],
        **_table(rows, shown, f"EUR {per_episode}"),
    )


def _table(rows: Sequence[Row], shown: Sequence[Cause], unit: str) -> dict[str, Any]:
    """Head, columns, unit and lines: a line per policy, or per cause where these are many.

    Causes of one kind of device are then one line, and told apart in the details.
    """
    names = ["total", *(name_of(cause) for cause in shown)]
    if len(names) <= WIDEST:
        lines = [_line(row, shown) for row in rows]
        return {"head": "policy", "columns": names, "unit": unit, "lines": lines}
    groups: dict[str, list[Cause]] = {}
    for cause in shown:
        groups.setdefault(_kind(cause) or name_of(cause), []).append(cause)
    of_kinds = [cause for own in groups.values() for cause in own if cause.kind]
    return {
        "head": "cause",
        "columns": [row.policy for row in rows],
        "unit": unit,
        "lines": [
            _summed("total", rows, lost(rows[0]).causes),
            *(_summed(name, rows, own) for name, own in groups.items()),
        ],
        "details": [_summed(name_of(cause), rows, [cause]) for cause in of_kinds],
    }


def _kind(cause: Cause) -> str:
    """For example "heat pump"; nothing for choices without a device."""
    return cause.kind.replace("_", " ")


def _summed(name: str, rows: Sequence[Row], causes: Sequence[Cause]) -> Line:
    """What each policy loses by some causes together."""
    return Line(name, tuple(amount(sum(_by_cause(row)[c] for c in causes), 2) for row in rows))


def _by_cause(row: Row) -> dict[Cause, float]:
    return dict(zip(lost(row).causes, by_hour_eur(row).sum(axis=1).tolist(), strict=True))


def name_of(cause: Cause) -> str:
    """For example "battery too full"."""
    return f"{_kind(cause)} {LOOKS[cause.choice].name}".strip()


def lost(row: Row) -> Breakdown:
    """The breakdown of a row that has one."""
    assert isinstance(row.lost, Breakdown)
    return row.lost


def by_hour_eur(row: Row) -> FloatArray:
    """Mean over the episodes, (cause, hour) [EUR]."""
    return np.asarray(lost(row).lost_eur.mean(axis=0))


def _shown(rows: Sequence[Row]) -> list[Cause]:
    """Causes that cost anybody something."""
    largest = np.max([by_hour_eur(row).sum(axis=1) for row in rows], axis=0)
    return [c for c, eur in zip(lost(rows[0]).causes, largest, strict=True) if eur >= SMALLEST]


def _line(row: Row, shown: Sequence[Cause]) -> Line:
    of = _by_cause(row)
    total = float(lost(row).total_eur.mean())
    return Line(row.policy, tuple(amount(eur, 2) for eur in (total, *(of[c] for c in shown))))


def sentence(row: Row, rule: Row, per_episode: str) -> str:
    """What a policy loses and by what, the largest cause first; its name stands before.

    Args:
        rule: what nobody needs to lose more than.
        per_episode: "a week" or "an episode".
    """
    total = float(lost(row).total_eur.mean())
    start = f"loses {amount(total, 1)} EUR {per_episode}"
    if total < LITTLE * float(lost(rule).total_eur.mean()):
        return f"{start}: next to nothing."
    hours = by_hour_eur(row)
    share = hours.sum(axis=1) / total
    order = np.argsort(-share, kind="stable")
    order = order[: max(1, np.count_nonzero(share >= TOLD_SHARE))]
    causes = lost(row).causes
    matched = float(row.gaps_eur["allocation"].mean()) < LITTLE * total
    told = [f"{_told(causes[p], matched)} {_percent(share[p])} ({when(hours[p])})" for p in order]
    return f"{start}: {', '.join(told)}.{_hardest(row)}"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f}\N{NO-BREAK SPACE}%"


def _hardest(row: Row) -> str:
    """The member whose choices lose most, if they lose much more than others'."""
    own = lost(row).member_eur.mean(axis=0)
    share = float(own.max() / lost(row).total_eur.mean())
    if share * len(own) < HARDEST:
        return ""
    return f" Most at prosumer_{int(own.argmax())}: {_percent(share)}."


def _told(cause: Cause, matched: bool) -> str:
    if matched and cause.choice == "exchange":
        return ALL_MATCHED
    return f"{_kind(cause)} {LOOKS[cause.choice].told}".strip()


def when(eur: FloatArray) -> str:
    """The fewest hours in a row that hold most of it, over midnight if need be.

    Args:
        eur: by hour of the day.
    """
    for length in range(1, LONGEST_H + 1):
        inside = np.array([np.roll(eur, -first)[:length].sum() for first in range(HOURS)])
        if inside.max() >= MOSTLY * eur.sum():
            first = int(inside.argmax())
            return f"mostly {first} to {(first + length) % HOURS or HOURS} h"
    return "at all hours"


def _picture(result: ScenarioResult, rows: Sequence[Row], shown: Sequence[Cause]) -> Picture:
    """The rule and the best policies, hour by hour."""
    best = sorted(rows[1:], key=lambda row: float(row.social_cost_eur.sum()))[:SHOWN]
    panels = [row for row in rows if row is rows[0] or row in best]
    seen, unit = _seen(panels, shown), f"EUR {per(result.scenario.spec.days)}"
    said = "; ".join(f"{r.policy} {amount(float(lost(r).total_eur.mean()), 1)}" for r in panels)
    small = "" if len(seen) == len(shown) else " Causes too small to be seen are in the table only."
    which = (
        f" The figure shows the rule and the best {SHOWN} policies."
        if len(panels) < len(rows)
        else ""
    )
    return Picture(
        svg(
            lambda figure: _draw(figure, panels, seen, unit),
            0.9 + 2.3 * (1 + (len(panels) - 1) // 2),
        ),
        alt=f"What is lost in each hour of the day, by cause, in {unit}: {said}.",
        title=TITLE,
        caption="The optimum has a price for energy in each store, at each meter, among "
        "neighbours and on the line. At these prices each choice of each member is compared with "
        f"the best one it had. Bars show what the choices of an hour of the day lose, as {unit}. "
        "The split is exact: by weak duality no part is below zero, and together they are the "
        "cost above the proved bound. At other prices of the same optimum the parts may differ, "
        "their sum does not." + small + which,
    )


def _seen(panels: Sequence[Row], shown: Sequence[Cause]) -> list[Cause]:
    """Causes that are large enough to be seen in one of the panels."""
    causes = lost(panels[0]).causes
    eur = np.array([by_hour_eur(row) for row in panels])  # (policy, cause, hour)
    least = SEEN * float(eur.sum(axis=1).max())
    return [c for c in shown if eur[:, causes.index(c)].max() >= least]


def _draw(figure: Figure, panels: Sequence[Row], shown: Sequence[Cause], unit: str) -> None:
    count = len(panels)
    grid = figure.subplots(-(-count // 2), min(2, count), sharex=True, sharey=True, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place < count:
            _draw_hours(axes, panels[place], shown, unit)
        else:
            axes.set_axis_off()
    tallest = max(float(by_hour_eur(row).sum(axis=0).max()) for row in panels)
    grid[0, 0].set_ylim(0.0, 1.06 * max(tallest, SMALLEST))
    for axes in grid[:, 0]:
        axes.set_ylabel(f"{unit} lost in\nthis hour of the day")
    handles, names = grid[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside upper center", ncols=5 if len(names) == 5 else 4, frameon=False
    )


@dataclass(frozen=True, slots=True)
class Part:
    """What is drawn as one bar of an hour."""

    name: str
    choice: str
    hatch: str
    eur: FloatArray  # (hour,)


def parts(row: Row, shown: Sequence[Cause]) -> list[Part]:
    """A part for each cause; for each choice where there are more kinds than hatches."""
    found = dict(zip(lost(row).causes, by_hour_eur(row), strict=True))
    kinds = list(dict.fromkeys(cause.kind for cause in found if cause.choice in OF_DEVICES))
    if len(kinds) <= len(HATCHES):
        hatches = {kind: HATCHES[place] for place, kind in enumerate(kinds)}
        return [Part(name_of(c), c.choice, hatches.get(c.kind, ""), found[c]) for c in shown]
    sums: dict[str, FloatArray] = {}
    for cause in shown:
        sums[cause.choice] = sums.get(cause.choice, np.zeros(HOURS)) + found[cause]
    return [Part(_of_all(choice), choice, "", eur) for choice, eur in sums.items()]


def _of_all(choice: str) -> str:
    name = LOOKS[choice].name
    return f"devices: {name}" if choice in OF_DEVICES else name


def _draw_hours(axes: Axes, row: Row, shown: Sequence[Cause], unit: str) -> None:
    """Causes on one another, the same colour for a choice and the same hatch for a device."""
    hours, bottom = np.arange(HOURS) + 0.5, np.zeros(HOURS)
    for part in parts(row, shown):
        axes.bar(
            hours,
            part.eur,
            0.86,
            bottom=bottom,
            color=LOOKS[part.choice].color,
            hatch=part.hatch,
            edgecolor="white",
            linewidth=0.0,
            label=part.name,
        )
        bottom = bottom + part.eur
    total = amount(float(lost(row).total_eur.mean()), 1)
    axes.set_title(f"{short(row.policy)}: {total} {unit}", loc="left", weight="bold")
    axes.set_xlim(0.0, HOURS)
    axes.set_xticks(range(0, HOURS + 1, 3))
    axes.tick_params(axis="x", labelbottom=True)
    axes.set_xlabel("hour of the day")
    axes.grid(axis="y")
