"""Why a policy loses money: by kind of choice and device, by hour of the day, by member."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode, take
from p2p_market.community.optimum.duality import Losses, losses
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.scenario.members import devices
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import step_clock
from p2p_market.records import FloatArray, IntArray, Record
from p2p_market.track import Series, Trajectory

HOURS: Final = 24
CHOICES: Final = tuple(field.name for field in fields(Losses))
OF_DEVICES: Final = ("power", "empty", "full")  # choices that are made for each device


@dataclass(frozen=True, slots=True)
class Cause:
    """A kind of choice by which money is lost."""

    choice: str  # one of CHOICES
    kind: str = ""  # of the device, as in the scenario's file; none for choices without a device


@dataclass(frozen=True, slots=True)
class Breakdown(Record):
    """What a policy costs above the proved bound, cause by cause."""

    causes: tuple[Cause, ...]
    lost_eur: FloatArray  # (episode, cause, hour on the wall clock), >= 0 but for rounding
    member_eur: FloatArray  # (episode, agent), what is nobody's alone (line, cuts) left out

    @property
    def total_eur(self) -> FloatArray:
        """Social cost - bound, (episode,)."""
        return np.asarray(self.lost_eur.sum(axis=(1, 2)))

    def choice_eur(self, choice: str) -> FloatArray:
        """What is lost by one kind of choice, all devices together, (episode,)."""
        own = [place for place, cause in enumerate(self.causes) if cause.choice == choice]
        return np.asarray(self.lost_eur[:, own].sum(axis=(1, 2)))


def breakdown(
    scenario: Scenario, episode: Episode, prices: Sequence[Series | None], played: Trajectory
) -> Breakdown | None:
    """Split what a policy loses; None where no prices prove the bound (mixed-integer optima).

    Args:
        episode: a batch of all weeks.
        prices: of the optimum, one per week.
        played: a trajectory of these episodes.
    """
    proofs = [found for found in prices if found is not None]
    if len(proofs) < len(prices):
        return None
    kinds = device_kinds(scenario)
    causes = causes_of(kinds)
    lost = [
        losses(scenario, take(episode, number), Prices(**found), played, number)
        for number, found in enumerate(proofs)
    ]
    lost_eur = np.zeros((len(lost), len(causes), HOURS))
    for number, hours in enumerate(_hours(scenario, episode)):
        for place, cause in enumerate(causes):
            eur = _in_steps(lost[number], cause, kinds)
            lost_eur[number, place] = np.bincount(hours, weights=eur, minlength=HOURS)
    return Breakdown(causes, lost_eur, np.stack([_of_members(one) for one in lost]))


def device_kinds(scenario: Scenario) -> tuple[tuple[str, ...], ...]:
    """Kind of each flexible device, per agent, in the order of set-points."""
    found = []
    for number, member in enumerate(scenario.spec.members):
        pairs = zip(member.assets, devices(scenario.spec, number), strict=True)
        found.append(tuple(str(a["kind"]) for a, node in pairs if node.driver == "setpoint"))
    return tuple(found)


def causes_of(kinds: Sequence[Sequence[str]]) -> tuple[Cause, ...]:
    """All causes that a scenario can have, those of devices for each kind.

    Args:
        kinds: of the flexible devices, per agent.
    """
    known = dict.fromkeys(kind for own in kinds for kind in own)
    found: list[Cause] = []
    for choice in CHOICES:
        found += (
            [Cause(choice, kind) for kind in known] if choice in OF_DEVICES else [Cause(choice)]
        )
    return tuple(found)


def _hours(scenario: Scenario, episode: Episode) -> list[IntArray]:
    """Hour of the day in which each step begins, on the wall clock, (step,) per episode."""
    summer, dt_h, steps = scenario.data.summer_time, scenario.dt_h, scenario.steps
    clocks = [step_clock(summer, key.start_day, dt_h, steps) for key in episode.keys]
    return [clock // 4 % HOURS for clock in clocks]


def _in_steps(lost: Losses, cause: Cause, kinds: Sequence[Sequence[str]]) -> FloatArray:
    """The cost of one cause in each step, (step,)."""
    eur: FloatArray = getattr(lost, cause.choice)
    if cause.choice in OF_DEVICES:
        own = np.zeros(eur.shape[1:])
        for agent, row in enumerate(kinds):
            own[agent, : len(row)] = [kind == cause.kind for kind in row]
        eur = eur * own
    return np.asarray(eur.reshape(len(eur), -1).sum(axis=1))


def _of_members(lost: Losses) -> FloatArray:
    """Loss through each member's own choices, (agent,)."""
    of_devices = lost.power + lost.empty + lost.full
    return np.asarray((lost.exchange + lost.net_load + of_devices.sum(axis=2)).sum(axis=0))
