"""Policies side by side, of two runs or of one: differences with paired intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.errors import ReplayError
from p2p_market.evaluation.benchmark import ScenarioResult, best_of, units_of
from p2p_market.evaluation.ends.certificate import best_cost_eur
from p2p_market.evaluation.players.conduct import recorded_conduct
from p2p_market.evaluation.record.recorded import recorded_units
from p2p_market.evaluation.statistics.bootstrap import (
    RESAMPLES,
    Interval,
    effective_weeks,
    interval,
    named_generator,
    unit_sums,
)
from p2p_market.evaluation.statistics.paired import improvement
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.records import FloatArray, IntArray
from p2p_market.registry import recorded_track
from p2p_market.track import OPTIMUM, Card
from p2p_market.tracks import track_of

STREAM: Final = "p2p_market/comparison/1"


@dataclass(frozen=True, slots=True)
class Difference:
    """One pair of policies on one scenario."""

    scenario: str
    first: str  # policy of the first run, or of the only one
    second: str  # policy of the second run, or another of the only one
    weeks: int  # that a bootstrap draws whole, with all draws of each
    episodes: int
    cost_eur: Interval  # mean per episode; below 0: the first is cheaper
    score: Interval  # above 0: the first is better


@dataclass(frozen=True, slots=True)
class Overall:
    """One pair of policies over all scenarios that two runs share."""

    first: str
    second: str
    scenarios: int
    weeks: int  # of each scenario, as in `Difference`
    episodes: int  # of each scenario
    iqm: Interval  # difference of interquartile means; above 0: the first is better
    probability: Interval  # that an episode of the first beats one of the second, 0 to 1


@dataclass(frozen=True, slots=True)
class Matched:
    """Social costs of two runs on the episodes of one scenario that both have, [EUR].

    One run can be both.
    """

    scenario: str
    weeks: tuple[int, ...]  # start day of each episode
    units: IntArray  # that a bootstrap draws whole, number of each episode's, (episode,)
    first: Mapping[str, FloatArray]  # policy -> (episode,)
    second: Mapping[str, FloatArray]
    best_eur: FloatArray  # (episode,), the 100 of the scale
    rule: str  # policy at 0
    foresight: frozenset[str] = frozenset()  # policies that know the future: references
    track: str = ""
    reference: str = ""  # of one run: what its other policies are measured against

    def pairs(self, asked: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The given pairs; else policies of the same name, or all of one run and its reference.

        Raises:
            ReplayError: if one of them did not play, or knows the future.
        """
        for pair in asked:
            for name, known in zip(pair, (self.first, self.second), strict=True):
                if name not in known:
                    raise ReplayError(
                        f"{self.scenario}: no policy {name!r}; known: {', '.join(known)}"
                    )
                if name in self.foresight:
                    raise ReplayError(
                        f"{self.scenario}: {name!r} knows the future (foresight); it is a "
                        "reference and is not compared"
                    )
        apart = {self.rule, OPTIMUM, *self.foresight}
        same = [name for name in self.first if name in self.second and name not in apart]
        if self.reference:
            return list(asked) or [(n, self.reference) for n in same if n != self.reference]
        return list(asked) or [(name, name) for name in same]


def compare_runs(
    first: Mapping[str, Any],
    second: Mapping[str, Any] | None,
    pairs: Sequence[tuple[str, str]] = (),
) -> list[Difference]:
    """Paired differences of two run records, policy by policy.

    Args:
        first: record of a run, as `read_run` gives it.
        second: another one; None compares the policies of the first.
        pairs: names of policies to compare; without them, policies of one name, or those of one
            run with the one that they are measured against (`reference_of`).

    Returns:
        One per scenario and pair; episodes that only one run has are left out.

    Raises:
        ReplayError: if the runs share no scenario, no episode or no policy, or disagree on the
            ends of the scale.
    """
    found = []
    for one in match_runs(first, second):
        for mine, theirs in one.pairs(pairs):
            costs = one.first[mine], one.second[theirs], one.first[one.rule], one.best_eur
            found.append(_difference(one.scenario, mine, theirs, costs, one.units))
    if not found and second is None:
        raise ReplayError("the run has fewer than two policies between the ends; give another run")
    if not found:
        raise ReplayError(
            "the runs have no policy between the ends in common; name a pair with --policy "
            "FIRST=SECOND"
        )
    return found


def compare_overall(
    first: Mapping[str, Any],
    second: Mapping[str, Any] | None,
    pairs: Sequence[tuple[str, str]] = (),
) -> list[Overall]:
    """The same over all scenarios together, as one difference and one probability.

    Args:
        first: record of a run, as `read_run` gives it.
        second: another one, or None, as in `compare_runs`.
        pairs: as in `compare_runs`.

    Returns:
        One per pair that is in every shared scenario; empty for one scenario, or if scenarios
        do not share their weeks.

    Raises:
        ReplayError: as in `compare_runs`.
    """
    matched = match_runs(first, second)
    if len(matched) < 2 or len({_asked(one) for one in matched}) > 1:
        return []
    common = [one.pairs(pairs) for one in matched]
    return [
        _overall(matched, *pair)
        for pair in dict.fromkeys(common[0])
        if all(pair in others for others in common)
    ]


def _asked(one: Matched) -> tuple[object, ...]:
    """Properties that must be equal in scenarios that are averaged."""
    return one.track, one.weeks, one.units.tobytes()


def _overall(matched: Sequence[Matched], mine: str, theirs: str) -> Overall:
    costs = (
        np.array([one.first[mine] for one in matched]),
        np.array([one.second[theirs] for one in matched]),
        np.array([one.first[one.rule] for one in matched]),
        np.array([one.best_eur for one in matched]),
    )
    first, second, rule, best = (unit_sums(cost, matched[0].units) for cost in costs)
    found = improvement(first, second, rule, best, named_generator(STREAM))
    (scenarios, weeks), episodes = first.shape, costs[0].shape[-1]
    return Overall(mine, theirs, scenarios, weeks, episodes, found.iqm, found.probability)


def match_runs(first: Mapping[str, Any], second: Mapping[str, Any] | None) -> list[Matched]:
    """Scenarios and episodes that two run records share; all of the first without a second.

    Raises:
        ReplayError: if there are none, or the runs disagree on the ends of the scale.
    """
    if second is None:
        return [_match(entry, entry, alone=True) for entry in first["scenarios"]]
    others = {entry["digest"]: entry for entry in second["scenarios"]}
    shared = [entry for entry in first["scenarios"] if entry["digest"] in others]
    if not shared:
        ids = ", ".join(sorted({entry["id"] for entry in second["scenarios"]}))
        raise ReplayError(
            f"the runs share no scenario of the same digest; the second run has {ids}: play both "
            "runs with one version of scenarios and data"
        )
    return [_match(entry, others[entry["digest"]]) for entry in shared]


def _match(first: Mapping[str, Any], second: Mapping[str, Any], alone: bool = False) -> Matched:
    for entry in (first, second):
        if any(entry["episodes"].count(key) > 1 for key in entry["episodes"]):
            raise ReplayError(f"{first['id']}: a run has the same episode twice; play it once")
    places = [
        (number, second["episodes"].index(key))
        for number, key in enumerate(first["episodes"])
        if key in second["episodes"]
    ]
    if not places:
        raise ReplayError(f"{first['id']}: the runs share no episode: same split, weeks and seed?")
    here, there = ([place[side] for place in places] for side in (0, 1))
    own, other = _costs(first, here), _costs(second, there)
    ends = (recorded_track(first).CARD.rule, OPTIMUM)
    if any(np.any(own[end] != other[end]) for end in ends):
        raise ReplayError(f"{first['id']}: the runs disagree on {' or '.join(ends)}")
    bounds = [first["certificates"][place]["bound_eur"] for place in here]
    form = first["specification"].get("optimum", "linear")
    best = best_cost_eur(form, bounds, own[OPTIMUM])
    weeks = tuple(first["episodes"][place]["start_day"] for place in here)
    foresight = frozenset(_foresight(first) | _foresight(second))
    units = recorded_units(first)[here]
    card, apart = recorded_track(first).CARD, {*ends, *foresight}
    between = [name for name in own if name not in apart] if alone else []
    reference = reference_of(card, between) if between else ""
    return Matched(
        first["id"], weeks, units, own, other, best, ends[0], foresight, card.name, reference
    )


def reference_of(card: Card, names: Sequence[str]) -> str:
    """What the others of some policies are measured against.

    Args:
        card: of their track. It names a baseline for this; where that one is not among them, the
            first baseline is taken, or else the first of all.
    """
    if card.compared in names:
        return card.compared
    return next((name for name in names if name in card.baselines), names[0])


def compare_within(result: ScenarioResult) -> list[Difference]:
    """Each policy of a result less the one that they are measured against."""
    card, optimum = track_of(result.scenario).CARD, result.trajectories[OPTIMUM]
    costs = {row.policy: row.social_cost_eur for row in result.rows}
    apart = {card.rule, OPTIMUM}
    names = [r.policy for r in result.rows if r.conduct.contends and r.policy not in apart]
    if len(names) < 2:
        return []
    theirs = reference_of(card, names)
    ends = costs[card.rule], best_of(result.scenario, result.certificates, optimum)
    units, spec = units_of(result.scenario, result.episode.keys), result.scenario.spec
    return [
        _difference(spec.id, mine, theirs, (costs[mine], costs[theirs], *ends), units)
        for mine in names
        if mine != theirs
    ]


def _difference(
    scenario: str, mine: str, theirs: str, costs: Sequence[FloatArray], units: IntArray
) -> Difference:
    """Costs as `paired` takes them."""
    first, second, rule, best = costs
    found = paired(first, second, rule, best, units)
    return Difference(scenario, mine, theirs, len(set(units.tolist())), len(units), *found)


def _foresight(entry: Mapping[str, Any]) -> set[str]:
    """Policies that know the future; older records do not mark the shipped references."""
    card = recorded_track(entry).CARD
    known = {name for name, baseline in card.baselines.items() if baseline.foresight}
    ends = (card.rule, OPTIMUM)
    return {
        one["policy"]
        for one in entry["policies"]
        if one["policy"] in known
        or (one["policy"] not in ends and not recorded_conduct(one).contends)
    }


def _costs(entry: Mapping[str, Any], places: Sequence[int]) -> dict[str, FloatArray]:
    return {
        policy["policy"]: np.array(policy["social_cost_eur"], dtype=np.float64)[list(places)]
        for policy in entry["policies"]
    }


def paired(
    first_eur: FloatArray,
    second_eur: FloatArray,
    rule_eur: FloatArray,
    best_eur: FloatArray,
    units: IntArray | None = None,
) -> tuple[Interval, Interval]:
    """Difference of cost and of score, units of episodes resampled together, (episode,) each.

    Args:
        units: number of each episode's unit, (episode,); None: each episode is one.

    Returns:
        Mean cost per episode [EUR] and score, first less second.
    """
    size, costs = len(first_eur), (first_eur, second_eur, rule_eur, best_eur)
    first_eur, second_eur, rule_eur, best_eur = (unit_sums(cost, units) for cost in costs)
    generator, count = np.random.default_rng(0), len(first_eur)
    chosen = generator.integers(count, size=(RESAMPLES, count))

    def score(episodes: Any) -> FloatArray:
        ends = rule_eur[episodes], best_eur[episodes]
        mine = ratio_of_sums(ends[0], first_eur[episodes], ends[1])
        return mine - ratio_of_sums(ends[0], second_eur[episodes], ends[1])

    per_episode = (first_eur - second_eur) * (count / size)
    return (
        interval(float(per_episode.mean()), per_episode[chosen].mean(axis=-1), count),
        interval(float(score(slice(None))), score(chosen), effective_weeks(rule_eur - best_eur)),
    )
