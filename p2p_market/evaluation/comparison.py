"""Two runs side by side: differences on the same episodes, with paired intervals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.errors import ReplayError
from p2p_market.evaluation.benchmark import OPTIMUM, RULE
from p2p_market.evaluation.statistics.bootstrap import (
    RESAMPLES,
    Interval,
    effective_weeks,
    interval,
)
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.records import FloatArray

ENDS: Final = (RULE, OPTIMUM)


@dataclass(frozen=True, slots=True)
class Difference:
    """One pair of policies on one scenario."""

    scenario: str
    first: str  # policy of the first run
    second: str  # policy of the second run
    episodes: int
    cost_eur: Interval  # mean per episode; below 0: the first is cheaper
    score: Interval  # above 0: the first is better


def compare_runs(
    first: Mapping[str, Any], second: Mapping[str, Any], pairs: Sequence[tuple[str, str]] = ()
) -> list[Difference]:
    """Paired differences of two run records, policy by policy.

    Args:
        first: record of a run, as `read_run` gives it.
        second: another one.
        pairs: names of policies to compare; without them, policies of one name.

    Returns:
        One per scenario and pair; episodes that only one run has are left out.

    Raises:
        ReplayError: if the runs share no scenario, no episode or no policy, or disagree on the
            ends of the scale.
    """
    others = {entry["digest"]: entry for entry in second["scenarios"]}
    shared = [entry for entry in first["scenarios"] if entry["digest"] in others]
    if not shared:
        ids = ", ".join(sorted({entry["id"] for entry in second["scenarios"]}))
        raise ReplayError(
            f"the runs share no scenario of the same digest; the second run has {ids}: play both "
            "runs with one version of scenarios and data"
        )
    found = [
        difference
        for entry in shared
        for difference in _compare_scenario(entry, others[entry["digest"]], pairs)
    ]
    if not found:
        raise ReplayError(
            "the runs share no policy between the ends; name a pair with --policy FIRST=SECOND"
        )
    return found


def _compare_scenario(
    first: Mapping[str, Any], second: Mapping[str, Any], pairs: Sequence[tuple[str, str]]
) -> Iterator[Difference]:
    for entry in (first, second):
        if any(entry["episodes"].count(key) > 1 for key in entry["episodes"]):
            raise ReplayError(f"{first['id']}: an episode stands twice in a run; play it once")
    places = [
        (number, second["episodes"].index(key))
        for number, key in enumerate(first["episodes"])
        if key in second["episodes"]
    ]
    if not places:
        raise ReplayError(f"{first['id']}: the runs share no episode: same split, weeks and seed?")
    here, there = ([place[side] for place in places] for side in (0, 1))
    own, other = _costs(first, here), _costs(second, there)
    if any(np.any(own[end] != other[end]) for end in ENDS):
        raise ReplayError(f"{first['id']}: the runs disagree on {' or '.join(ENDS)}")
    best = own[OPTIMUM]
    if first["certificates"][0].get("mixed_integer"):
        best = np.array([first["certificates"][place]["bound_eur"] for place in here])
    same = [(name, name) for name in own if name in other and name not in ENDS]
    for mine, theirs in pairs or same:
        for name, known in ((mine, own), (theirs, other)):
            if name not in known:
                raise ReplayError(f"{first['id']}: no policy {name!r}; known: {', '.join(known)}")
        cost, score = paired(own[mine], other[theirs], own[RULE], best)
        yield Difference(first["id"], mine, theirs, len(places), cost, score)


def _costs(entry: Mapping[str, Any], places: Sequence[int]) -> dict[str, FloatArray]:
    return {
        policy["policy"]: np.array(policy["social_cost_eur"], dtype=np.float64)[list(places)]
        for policy in entry["policies"]
    }


def paired(
    first_eur: FloatArray, second_eur: FloatArray, rule_eur: FloatArray, best_eur: FloatArray
) -> tuple[Interval, Interval]:
    """Difference of cost and of score, episodes resampled together, (episode,) each.

    Returns:
        Mean cost per episode [EUR] and score, first less second.
    """
    generator, count = np.random.default_rng(0), len(first_eur)
    chosen = generator.integers(count, size=(RESAMPLES, count))

    def score(episodes: Any) -> FloatArray:
        ends = rule_eur[episodes], best_eur[episodes]
        mine = ratio_of_sums(ends[0], first_eur[episodes], ends[1])
        return mine - ratio_of_sums(ends[0], second_eur[episodes], ends[1])

    cost = (first_eur - second_eur)[chosen].mean(axis=-1)
    return (
        interval(float((first_eur - second_eur).mean()), cost, count),
        interval(float(score(slice(None))), score(chosen), effective_weeks(rule_eur - best_eur)),
    )
