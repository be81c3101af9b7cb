"""Tables of `docs/power-system-learners.md`, from the record of plays."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from p2p_market.evaluation.statistics.bootstrap import Interval
from p2p_market.files import write_text
from p2p_market.records import FloatArray
from tools.build_cards import table
from tools.publish.power import ALL, CORNERS, LEARNERS, PLACE, SEEDS, read
from tools.publish.who_gains import more_eur

PAGE: Final = Path(__file__).parents[2] / "docs" / "power-system-learners.md"
PART: Final = re.compile(r"(?<=<!-- learners -->\n\n).*?(?=\n\n<!-- end -->)", re.DOTALL)
TITLES: Final = {
    "dqn": "generators, DQN",
    "dqn-coal": "`coal_0` alone, DQN",
    "actor-critic": "storages, actor and critic",
    "maddpg": "consumers, MADDPG",
    "operator-dqn": "operator, DQN",
}


def write_page() -> None:
    """Write the tables into the page."""
    write_text(PAGE, written(PAGE.read_text(encoding="utf-8")))


def written(page: str) -> str:
    """A page with the tables of the record in place of those that it has."""
    parts = [_alone(), _stages(), _together(), _markups(), _front(), _cost()]
    return PART.sub(lambda _: "\n\n".join(parts), page)


def _plays(learner: str, stage: str) -> list[Mapping[str, Any]]:
    plays = read()["plays"]
    if not learner:
        return [plays["default"]]
    return [plays[f"{learner} {stage} {seed}"] for seed in range(SEEDS)]


def _series(learner: str, stage: str, *path: str) -> FloatArray:
    """A number by week, (training, week); of the default rule one training."""
    found = []
    for play in _plays(learner, stage):
        value: Any = play
        for key in path:
            value = value[key]
        found.append(value)
    return np.array(found, dtype=np.float64)


def _own(learner: str, stage: str) -> FloatArray:
    """What the role, or the only unit that learns, pays; of the operator the social cost."""
    if learner == "dqn-coal":
        return -_series(learner, stage, "unit_profit_eur", "coal_0")
    return _of_role(LEARNERS[learner].role, learner, stage)


def _of_role(role: str, learner: str, stage: str) -> FloatArray:
    if role == "operator":
        return _series(learner, stage, "social_cost_eur")
    return _series(learner, stage, "paid_eur", role)


def _rule(learner: str) -> FloatArray:
    if learner == "dqn-coal":
        return -_series("", "", "unit_profit_eur", "coal_0")
    return _of_role(LEARNERS[learner].role, "", "")


def _gain(first: FloatArray, second: FloatArray) -> str:
    """What the first saves against the second, with its interval, paired by week."""
    return _told(more_eur(second, first))


def _told(one: Interval) -> str:
    return f"{one.point:+,.0f} ({one.low:+,.0f} to {one.high:+,.0f})"


def _alone() -> str:
    """Gains of each role while the others play the rule."""
    rows = []
    payment, paid = ("metrics", "consumer_payment"), _series("", "", "metrics", "consumer_payment")
    social = _series("", "", "social_cost_eur")
    for name, title in TITLES.items():
        own = _own(name, "trained")
        rows.append(
            [
                title,
                _gain(own, _rule(name)),
                f"{(_rule(name).mean() - own.mean()) / abs(_rule(name).mean()):+.1%}",
                _told(more_eur(_series(name, "trained", *payment), paid)),
                _told(more_eur(_series(name, "trained", "social_cost_eur"), social)),
            ]
        )
    head = ["who learns", "gains, EUR a week", "of what the rule earns or pays"]
    head += ["consumers pay more for energy, EUR a week", "social cost rises by, EUR a week"]
    return (
        "## Each role alone\n\n"
        "Gains are money of the role against the default rule in all roles; of the operator, "
        "whose reward is the social cost, what all save.\n\n" + table(head, rows)
    )


def _stages() -> str:
    """Untrained and pretrained beside trained."""
    rows = []
    for name, learner in LEARNERS.items():
        if len(learner.stages) == 1:
            continue
        cells = {stage: _gain(_own(name, stage), _rule(name)) for stage in learner.stages}
        better = _gain(_own(name, "trained"), _own(name, "untrained"))
        row = [cells.get(stage, "") for stage in ("untrained", "pretrained", "trained")]
        rows.append([TITLES[name], *row, better])
    head = ["who learns", "untrained", "after the training days", "trained"]
    return (
        "## Trained, untrained, default\n\n"
        "Gains against the default rule, EUR a week; the last column is paired by week.\n\n"
        + table([*head, "trained against untrained"], rows)
    )


def _together() -> str:
    """All four at once."""
    rows = []
    for role in ("generator", "storage", "consumer", "operator"):
        label = "all (social cost)" if role == "operator" else f"{role}s"
        alone = next(n for n in TITLES if LEARNERS[n].role == role)
        both = _of_role(role, ALL, "trained")
        rule = _of_role(role, "", "")
        rows.append([label, _gain(_own(alone, "trained"), rule), _gain(both, rule)])
    head = ["who", "gains while only it learns, EUR a week", "gains with all four trained"]
    return (
        "## All together\n\n"
        "Each was trained beside rules; here the four networks of a seed meet.\n\n"
        + table(head, rows)
    )


def _markups() -> str:
    """How far bids lie above the lowest level that covers the cost."""
    default, learnt = _plays("", "")[0], _plays("dqn", "trained")
    alone = _plays("dqn-coal", "trained")
    rows = []
    for unit in default["markup_eur_per_mwh"]:
        mean = np.mean([play["markup_eur_per_mwh"][unit] for play in learnt])
        own = np.mean([play["markup_eur_per_mwh"][unit] for play in alone])
        before = np.mean(default["unit_profit_eur"][unit])
        after = np.mean([play["unit_profit_eur"][unit] for play in learnt])
        cells = [f"{own:+.1f}", f"{mean:+.1f}", f"{before:,.0f}", f"{after:,.0f}"]
        rows.append([f"`{unit}`", *cells])
    price = [_series(name, "trained" if name else "", "metrics", "mean_price").mean()
             for name in ("", "dqn-coal", "dqn")]  # fmt: skip
    head = ["unit", "markup where coal learns alone, EUR/MWh", "where all learn"]
    return (
        "## Markups\n\n"
        "Bids above the lowest level that covers the cost, mean over steps in which the unit "
        "offers something; and what each unit earns, EUR a week.\n\n"
        + table([*head, "earns by rule", "where all learn"], rows)
        + "\n\nNo unit knows of another's bids, and none is told to raise prices. Each is paid the "
        "price that the dearest accepted offer sets, learns that its own offer may be that one, "
        "and the others learn the same: prices rise without a word. The mean price is "
        f"{price[0]:.1f} EUR/MWh by rule, {price[1]:.1f} where coal learns alone and "
        f"{price[2]:.1f} where all units learn; the tables above say what consumers pay for it."
    )


def _front() -> str:
    """Corners of the operator's Pareto front, and the rules beside them."""
    rows = []
    for label, learner, stage in (
        ("default rule", "", ""),
        *((f"preference `{corner}`", "operator-dqn", corner) for corner in CORNERS),
    ):
        found = [
            _series(learner, stage, "stability_eur").mean(),
            _series(learner, stage, "social_cost_eur").mean(),
            _series(learner, stage, "metrics", "emissions").mean(),
            100.0 * _series(learner, stage, "metrics", "in_band").mean(),
        ]
        rows.append([label, *(f"{one:,.0f}" for one in found[:3]), f"{found[3]:.1f}"])
    head = ["", "deviations of frequency and voltage, EUR a week", "social cost, EUR a week"]
    return (
        "## The operator's front\n\n"
        "One network, three preferences: stability and cost alike, cost alone, cost and "
        "environment alike. Emissions are a by-product of dispatch, on which reserve and tap have "
        "little hold.\n\n" + table([*head, "emissions, t a week", "steps in band, %"], rows)
    )


def _cost() -> str:
    """Processor time of the trainings."""
    rows: list[Sequence[str]] = []
    for name, title in TITLES.items():
        told = [
            json.loads((PLACE / name / f"seed-{seed}.json").read_text("utf-8"))
            for seed in range(SEEDS)
        ]
        seconds = [one["processor_seconds"] for one in told]
        steps = told[0]["settings"]["agent_steps"]
        rows.append([title, f"{steps:,}", f"{np.median(seconds):.0f}"])
    head = ["who learns", "agent-steps", "processor seconds, median of five"]
    return "## What it costs\n\n" + table(head, rows)
