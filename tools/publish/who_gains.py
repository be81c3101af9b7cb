"""Tables of `docs/agreements.md`: what members pay with agreements and without, what was agreed."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from p2p_market.evaluation.ends.reference import entries
from p2p_market.evaluation.statistics.bootstrap import (
    Interval,
    draw_weeks,
    interval,
    named_generator,
)
from p2p_market.evaluation.statistics.methods import mean_of_drawn, method_difference, method_score
from p2p_market.records import FloatArray
from p2p_market.registry import load_scenario
from tools.build_cards import table
from tools.publish.agreed import ALONE, RULES, WITH, WITHOUT, read
from tools.publish.plan import OF_AGREEMENTS, Training
from tools.publish.score import name_of

PAGE: Final = Path(__file__).parents[2] / "docs" / "agreements.md"
STREAM: Final = "p2p_market/agreed/1"
PLACE: Final = re.compile(r"(?<=<!-- who gains -->\n\n).*?(?=\n*<!-- end -->)", re.DOTALL)
ROLES: Final[Mapping[str, slice]] = {
    "two roofs": slice(0, 2),
    "three homes with a battery": slice(2, 5),
    "seven other homes": slice(5, 12),
    "all": slice(0, 12),
}
"""Members of both scenarios by what they own."""
LEARNT, SILENT = "learners with agreements", "learners without"
ACROSS: Final = "learners without, signing as `contracting`"
TRAINED: Final = (LEARNT, SILENT, ACROSS)
PAIRS: Final = (
    (LEARNT, SILENT),
    (ACROSS, SILENT),
    (LEARNT, ACROSS),
    ("`contracting`", "`truthful`"),
    (SILENT, "`truthful`"),
)
"""Who is compared with whom."""


def record_of(title: str) -> list[Mapping[str, Any]]:
    """What is recorded of a player, or of all trainings."""
    players = read()["players"]
    if title not in TRAINED:
        return [players[title.strip("`")]]
    scenario = WITH if title == LEARNT else WITHOUT
    more = ", signing" if title == ACROSS else ""
    return [
        players[name_of(Training(scenario, method, seed).policy) + more]
        for method, seeds in OF_AGREEMENTS.items()
        for seed in range(seeds)
    ]


def series(title: str, name: str) -> FloatArray:
    """One number of it, (training, week) or (training, week, member)."""
    return np.array([record[name] for record in record_of(title)], dtype=np.float64)


def more_eur(first: FloatArray, second: FloatArray) -> Interval:
    """What the first pays more in a week than the second, (training, week) each, paired by week."""
    generator = named_generator(STREAM)
    chosen = draw_weeks(generator, 1, first.shape[1])[:, 0]
    drawn = [
        np.take_along_axis(mean_of_drawn(own, generator), chosen, axis=1).mean(axis=1)
        for own in (first, second)
    ]
    return interval(float(first.mean() - second.mean()), drawn[0] - drawn[1], first.shape[1])


def scores() -> str:
    """Scores of all, on the scale that both scenarios share."""
    known = entries(load_scenario(WITH))
    rule = np.array([one.rule_eur for one in known])
    best = np.array([one.replay_eur for one in known])
    silent, rows = series(SILENT, "social_cost_eur"), []
    for title in (*TRAINED, *(f"`{name}`" for name in RULES)):
        own = series(title, "social_cost_eur")
        score = method_score(own, rule, best, named_generator(STREAM))
        over = method_difference(own, silent, rule, best, named_generator(STREAM))
        rows.append([
            title, len(own) if title in TRAINED else "", f"**{score.point:.1f}**",
            f"{score.low:.1f} to {score.high:.1f}", "" if title == SILENT else _signed(over, 1),
            f"{(rule - own).mean():.1f}",
        ])  # fmt: skip
    head = ["player", "trainings", "score", "95 % interval", f"above {SILENT}"]
    return table([*head, "EUR saved a week"], rows)


def who_pays() -> str:
    """What each role pays more, EUR a week."""
    rows = []
    for one, other in PAIRS:
        paid = [series(title, "paid_eur") for title in (one, other)]
        found = [more_eur(*(each[..., own].sum(axis=2) for each in paid)) for own in ROLES.values()]
        rows.append([f"{one}, beside {other}", *map(_signed, found)])
    return table(["pays more, EUR a week", *ROLES], rows)


def _signed(value: Interval, digits: int = 2) -> str:
    point, low, high = (f"{each:+.{digits}f}" for each in (value.point, value.low, value.high))
    return f"{point} ({low} to {high})"


def who_leaves() -> str:
    """What a member pays more that alone refuses what all others sign, EUR a week."""
    network = name_of(Training(WITHOUT, next(iter(OF_AGREEMENTS)), 0).policy)
    players = read()["players"]
    stays = np.array([players[f"{network}, signing"]["paid_eur"]])
    rows = []
    for member, role in zip(ALONE, ROLES, strict=False):
        cells = []
        for what in ("joins", "hedges"):
            name = f"{network}, signing, prosumer_{member} {what} nothing"
            leaves = np.array([players[name]["paid_eur"]])
            cells.append(_signed(more_eur(leaves[..., member], stays[..., member])))
        rows.append([f"`prosumer_{member}`, of the {role}", *cells])
    return table(["pays more, EUR a week", "joins no coalition", "hedges nothing"], rows)


def what_is_agreed() -> str:
    """Contracts, coalitions, credit and forecasts of those who may sign, means of a week."""
    names = (LEARNT, ACROSS, "`contracting`")
    rows: list[Sequence[object]] = [
        ["forward contracts", *(f"{series(n, 'forwards').mean():.0f}" for n in names)],
        [
            "what they pay the roofs, EUR",
            *(f"{-_of(n, 'forwards_paid_eur', 'two roofs').sum(axis=2).mean():.2f}" for n in names),
        ],
        ["backup options", *(f"{series(n, 'options').mean():.0f}" for n in names)],
        ["their premiums, EUR", *(f"{series(n, 'premiums_eur').mean():.2f}" for n in names)],
        [
            "kWh matched by coalitions and options",
            *(f"{series(n, 'matched_kwh').mean():.0f}" for n in names),
        ],
    ]
    for role in list(ROLES)[:3]:
        share = [f"{100.0 * _of(n, 'in_coalition', role).mean():.0f}" for n in names]
        rows.append([f"% of the time in a coalition, {role}", *share])
    most = [series(n, "credit_used_eur").max(axis=2) for n in names]
    rows += [
        ["credit of the member that uses most, EUR", *(f"{each.mean():.1f}" for each in most)],
        ["the same in the worst week", *(f"{each.max():.1f}" for each in most)],
        [
            "forecasts off what the member expects itself, % of its net load",
            *(f"{100.0 * np.nanmean(series(n, 'dishonesty')):.1f}" for n in names),
        ],
    ]
    return table(["in a week", *names], rows)


def _of(title: str, name: str, role: str) -> FloatArray:
    return series(title, name)[..., ROLES[role]]


def tables() -> str:
    """All three, as they stand in the page."""
    return "\n\n".join([who_pays(), who_leaves(), what_is_agreed()])


def write_page() -> None:
    """The page with its tables anew."""
    text = PAGE.read_text(encoding="utf-8")
    if len(PLACE.findall(text)) != 1:
        raise SystemExit(f"{PAGE}: needs <!-- who gains --> and <!-- end --> once")
    PAGE.write_text(PLACE.sub(lambda _: tables(), text), encoding="utf-8")
