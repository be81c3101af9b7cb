"""What a policy does when it is asked again after its play: its conduct."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
from p2p_market.evaluation.rollout import Recorded, recorded, rollout
from p2p_market.records import BoolArray, Float32Array
from p2p_market.track import AnyEpisode, AnyScenario, Joint, policy_seed
from p2p_market.tracks import track_of

EARLY: Final = 5
"""How much rather an early step ends the second question: a share of the time to the power of this.

On average it asks for two of seven days, which costs some 15 % of the play.
"""


@dataclass(frozen=True, slots=True)
class Play:
    """What the policy of one role saw and did in all weeks."""

    scenario: AnyScenario
    episode: AnyEpisode
    role: str
    watched: Watched
    joint: Joint  # role -> (step, batch, agent, column), what all did
    digests: tuple[str, ...]
    make: Callable[[AnyEpisode], Policy]  # another policy of its kind, for these episodes

    @property
    def actions(self) -> NDArray[Any]:
        """What it answered, (step, batch, agent, column), where columns do not count too."""
        return np.stack(self.watched.out_answers)

    @property
    def first_day(self) -> int:
        """Steps of the first day."""
        per_day: int = round(24.0 / self.scenario.spec.dt_h)
        return min(self.scenario.steps, per_day)


def together(found: Sequence[Conduct]) -> Conduct:
    """The conduct of policies that play together: as bad as the worst of them."""
    order: tuple[Rows, ...] = ("centralised", "not checked", "decentralised, checked")
    rows = min((one.rows for one in found), key=order.index)
    return Conduct(rows=rows, reproducible=all(one.reproducible for one in found))


def judged(play: Play, centralised: bool, known: Conduct) -> Conduct:
    """The conduct of a policy, from asking again for the first day, then beyond it.

    Args:
        play: what it did.
        centralised: it claims to be; whose rows it reads is not checked.
        known: what is known beforehand, such as whether it was given its episodes.
    """
    rows: Rows = "centralised" if centralised else "not checked"
    seeds = [policy_seed(key) for key in play.episode.keys]
    seen = play.watched.out_seen[: play.first_day]
    asked = [Asked(*one) for one in zip(seen, play.actions[: len(seen)], strict=True)]
    policy = play.watched.policy
    if not answers_alike(policy, lambda: play.make(play.episode), seeds, asked):
        return Conduct(rows=rows, reproducible=False)
    if not centralised:
        others = _others(play, len(seen))
        own = minds_own_rows(policy, seeds, asked, others)
        rows = "decentralised, checked" if own else "centralised"
    found = Conduct(rows=rows, reproducible=True)
    knows = not known.contends
    return _beyond(play, found, knows) if play.scenario.steps > len(seen) else found


def _beyond(play: Play, found: Conduct, knows: bool) -> Conduct:
    """Conduct in one community, from the first step to one after the first day.

    The digests of what was played draw the community, the step and the agents whose rows stay, so
    nobody knows them beforehand.
    """
    digest = hashlib.sha256("".join(play.digests).encode()).digest()
    generator = np.random.default_rng(int.from_bytes(digest))
    place = int(generator.integers(play.episode.batch))
    agents, first_day = play.actions.shape[2], play.first_day
    share = generator.random() ** EARLY
    steps = first_day + 1 + int(share * (play.scenario.steps - first_day))
    kept = generator.permutation(agents) < (agents + 1) // 2
    single = track_of(play.scenario).draw(play.scenario, play.episode.keys[place])
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
            action, memory = ask(policy, one.copy(), memory, shape, choices=True)
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
    track = track_of(play.scenario)
    found = track.keys(play.scenario, key.split, key.seed + 1)
    units = [unit for unit in found if key not in unit] or found
    days = [unit[0].start_day for unit in units]
    now = days.index(key.start_day) if key.start_day in days else 0
    other = track.draw(play.scenario, units[(now + len(units) // 2) % len(units)][0])
    watched = Watched(Recorded(play.actions), steps)
    rollout(play.scenario, other, {**recorded(play.joint), play.role: watched}, steps=steps)
    return watched.out_seen
