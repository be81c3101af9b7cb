"""What a policy does when it is asked again after its play: its conduct."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.community.episode.episode import Episode, draw, policy_seed
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import start_days
from p2p_market.evaluation.players.conduct import (
    TOLERANCE,
    Asked,
    Conduct,
    Rows,
    Watched,
    answers_alike,
    holds,
    minds_own_rows,
    mixed,
)
from p2p_market.evaluation.players.policy import Policy, ask
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.records import BoolArray, Float32Array

EARLY: Final = 5
"""How much rather an early step ends the second question: a share of the time to the power of this.

On average it asks for two of seven days, which costs some 15 % of the play.
"""


@dataclass(frozen=True, slots=True)
class Play:
    """What a policy saw and did in all weeks."""

    scenario: Scenario
    episode: Episode
    watched: Watched
    actions: NDArray[Any]  # (step, batch, agent, column)
    digests: tuple[str, ...]
    make: Callable[[Episode], Policy]  # another policy of its kind, for these episodes


def judged(play: Play, centralised: bool, knows: bool) -> Conduct:
    """The conduct of a policy, from asking again for the first day, then beyond it.

    Args:
        play: what it did.
        centralised: it says so itself; whose rows it reads is not looked at.
        knows: whether it was told its episodes beforehand.
    """
    rows: Rows = "centralised" if centralised else "not checked"
    seeds = [policy_seed(key) for key in play.episode.keys]
    seen = play.watched.out_seen[: play.scenario.steps_per_day]
    asked = [Asked(*one) for one in zip(seen, play.actions[: len(seen)], strict=True)]
    policy = play.watched.policy
    if not answers_alike(policy, lambda: play.make(play.episode), seeds, asked):
        return Conduct(rows=rows, reproducible=False)
    if not centralised:
        others = _others(play, len(seen))
        own = minds_own_rows(policy, seeds, asked, others)
        rows = "decentralised, checked" if own else "centralised"
    found = Conduct(rows=rows, reproducible=True)
    return _beyond(play, found, knows) if play.scenario.steps > len(seen) else found


def _beyond(play: Play, found: Conduct, knows: bool) -> Conduct:
    """Conduct in one community from its first step to one after the first day.

    The digests of what was played draw the community, the step and the agents whose rows stay, so
    nobody knows them beforehand.
    """
    digest = hashlib.sha256("".join(play.digests).encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest))
    place = int(generator.integers(play.episode.batch))
    agents, first_day = len(play.scenario.agents), play.scenario.steps_per_day
    share = generator.random() ** EARLY
    steps = first_day + 1 + int(share * (play.scenario.steps - first_day))
    kept = generator.permutation(agents) < (agents + 1) // 2
    single = draw(play.scenario, play.episode.keys[place])
    own = [one[place : place + 1] for one in play.watched.out_seen[:steps]]
    shown = own
    if found.rows == "decentralised, checked":
        others = [one[place : place + 1] for one in _others(play, len(own))]
        shown = [mixed(one, other, kept[None]) for one, other in zip(own, others, strict=True)]
    else:
        kept = np.ones(agents, dtype=np.bool_)

    def answers(policy: Policy, seen: Sequence[Float32Array]) -> NDArray[Any]:
        seeds, shape = [policy_seed(single.keys[0])], (1, *play.actions.shape[2:])
        memory, actions = policy.start(seeds), []
        for one in seen:
            action, memory = ask(policy, one.copy(), memory, shape)
            actions.append(action.copy())
        return np.array(actions)

    def before() -> NDArray[Any]:
        if play.episode.batch == 1:
            return play.actions[:steps]
        return answers(play.make(single) if knows else play.watched.policy, own)

    def alike(first: NDArray[Any], seen: Sequence[Float32Array], kept: BoolArray) -> bool:
        again = answers(play.make(single), seen)[:, :, kept]
        return np.allclose(again, first[:, :, kept], rtol=0.0, atol=TOLERANCE, equal_nan=True)

    firsts: list[NDArray[Any]] = []

    def keeps() -> bool:
        firsts.append(before())
        return alike(firsts[0], shown, kept)

    if holds(keeps):
        return found
    if shown is not own and firsts and holds(lambda: alike(firsts[0], own, kept)):
        return replace(found, rows="centralised")
    declared: Rows = "not checked" if found.rows == "decentralised, checked" else found.rows
    return Conduct(rows=declared, reproducible=False)


def _others(play: Play, steps: int) -> list[Float32Array]:
    """Observations of another week at the same steps, from the first on."""
    if play.episode.batch > 1:
        return [np.roll(one, 1, axis=0) for one in play.watched.out_seen[:steps]]
    (key,) = play.episode.keys
    starts = start_days(key.split, play.scenario.spec.days).tolist()
    later = starts[(starts.index(key.start_day) + len(starts) // 2) % len(starts)]
    other = draw(play.scenario, replace(key, start_day=later, seed=key.seed + 1))
    watched = Watched(Recorded(play.actions), steps)
    rollout(play.scenario, other, watched, steps=steps)
    return watched.out_seen
