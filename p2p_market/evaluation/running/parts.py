"""What a run is cut into: one policy on all weeks, or the optimum of one episode.

The cut depends only on the question, so it does not matter which process plays which part. A policy
keeps all its weeks in one batch: its networks may round differently in batches of other sizes.
Optima are solved one by one anyway.
"""

import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from numpy.typing import NDArray

from p2p_market.errors import ClusterError
from p2p_market.evaluation.benchmark import (
    SEES_ALL,
    ScenarioResult,
    Yardstick,
    assemble,
    draw_weeks,
    entrants,
)
from p2p_market.evaluation.ends.certificate import Certificate, certify
from p2p_market.evaluation.players.conduct import Conduct
from p2p_market.evaluation.players.failure import FailedPolicyError, Failure, WrongAnswerError
from p2p_market.evaluation.players.player import Attempt, attempt, load_player
from p2p_market.evaluation.players.policy import Policy
from p2p_market.evaluation.rollout import join, rollout
from p2p_market.files import staying
from p2p_market.records import Float32Array
from p2p_market.registry import named, scenario_of
from p2p_market.track import OPTIMUM, AnyEpisode, AnyScenario, Joint, Plan, Trajectory
from p2p_market.tracks import track_of

REPORT_EVERY: Final = 100  # units of work between two messages of a process


@dataclass(frozen=True, slots=True)
class Job:
    """One scenario to be evaluated."""

    scenario: AnyScenario
    policies: tuple[str, ...]
    split: str
    weeks: tuple[int, ...]
    seed: int
    centralised: bool = False  # the policies say so themselves


@dataclass(frozen=True, slots=True)
class Part:
    """One policy on weeks of a job, or one optimum, in words that travel to another machine."""

    specification: str  # of the scenario, as JSON
    digest: str  # of the scenario and its data
    policy: str
    split: str
    weeks: tuple[int, ...]
    seed: int
    units: int  # of work: steps of a rollout, or of an optimum
    size: int  # agent-steps: the larger, the longer it takes
    centralised: bool = False  # the policy says so itself
    place: int = 0  # of an optimum: which episode of its week, where a week has several


@dataclass(frozen=True, slots=True)
class Recording:
    """The answers of a policy, their results, and its conduct."""

    actions: Joint  # role -> (step, batch, agent, column), normalised
    digests: tuple[str, ...]  # one per week
    conduct: Conduct


@dataclass(frozen=True, slots=True)
class Answer:
    """A part that was played."""

    trajectory: Trajectory | None  # up to the failure of a policy; None if it never acted
    conduct: Conduct
    certificate: Certificate | None = None  # of an optimum
    plan: Plan | None = None  # of an optimum


CRASHES: Final = tuple(
    getattr(signal, name)
    for name in ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL")
    if hasattr(signal, name)
)
"""Signals by which faulty code ends its own process."""

Known = Plan | Recording | None
"""What is known of a part from an earlier run."""

Tell = Callable[[int, int], None]
"""Called with the number of a job and the units of work done since the last call."""


@dataclass(frozen=True, slots=True)
class Task:
    """A part on its way to its player."""

    number: int  # of the job
    part: Part
    known: Known


Playing = Generator[tuple[Task, Answer], None, None]
"""Tasks with their answers, as they are finished; closing it stops the rest."""


def parts_of(job: Job) -> list[Part]:
    """The parts of a job: the policies that are entered, then the optimum of each episode."""
    scenario = job.scenario
    keys = track_of(scenario).keys(scenario, job.split, job.seed)
    text = scenario.spec.model_dump_json()
    size = scenario.steps * len(scenario.agents)

    def part(policy: str, weeks: Sequence[int], place: int = 0) -> Part:
        return Part(
            specification=text,
            digest=scenario.digest,
            policy=policy,
            split=job.split,
            weeks=tuple(weeks),
            seed=job.seed,
            units=scenario.steps,
            size=size,
            centralised=job.centralised and policy != OPTIMUM,
            place=place,
        )

    rules = [part(name, job.weeks) for name in entrants(job.scenario, job.policies)]
    return rules + [
        part(OPTIMUM, [week], place) for week in job.weeks for place in range(len(keys[week]))
    ]


def units_of_work(job: Job) -> int:
    """How many units all parts of a job report to a progress callback."""
    return sum(part.units for part in parts_of(job))


def play_part(
    part: Part, known: Known = None, progress: Callable[[int], None] | None = None
) -> Answer:
    """Play a part, or replay what is stored of it.

    Args:
        known: used only if the engine reaches the same digests with it, or proves it.
        progress: called with the number of units done since its last call.

    Raises:
        P2PMarketError: if there is no such policy, or whatever goes wrong with scenario or
            optimum. That a policy fails is an answer.
    """
    scenario = scenario_of(part.specification)
    if scenario.digest != part.digest:
        raise ClusterError(
            f"{scenario.spec.id}: the data {scenario.data.name} are not the same on all machines; "
            "install the same version everywhere"
        )
    singles = draw_weeks(scenario, part.split, part.weeks, part.seed)
    if part.policy == OPTIMUM:
        single = singles[part.place]
        plan = known if isinstance(known, Plan) else Yardstick(scenario).plan(single)
        certificate, trajectory = certify(scenario, single, plan, OPTIMUM)
        if progress is not None:
            progress(part.units)
        return Answer(trajectory, SEES_ALL, certificate, plan)
    episode = track_of(scenario).stack(singles)
    if isinstance(known, Recording):
        again = _play_again(scenario, episode, part.policy, known)
        if again is not None:
            if progress is not None:
                progress(part.units)
            return Answer(again, known.conduct)
    made = attempt(scenario, episode, part.policy, part.centralised, progress)
    if progress is not None:
        progress(part.units - (0 if made.played is None else made.played.steps))
    return Answer(made.played, made.conduct)


def asked_here(part: Part, answer: Answer) -> Answer:
    """The answer of another process, marked where this one gives other bytes on the first day.

    Between processes of one machine only what a policy must not depend on differs, such as the
    order of sets.
    """
    played = answer.trajectory
    scenario = scenario_of(part.specification)
    known = part.policy in named(scenario)
    if played is None or not answer.conduct.reproducible or known:
        return answer
    episode = track_of(scenario).stack(draw_weeks(scenario, part.split, part.weeks, part.seed))
    steps = min(scenario.steps, round(24.0 / scenario.spec.dt_h))
    if _alike(scenario, episode, part.policy, played.actions, steps) is not None:
        return answer
    return replace(answer, conduct=replace(answer.conduct, reproducible=False, rows="not checked"))


def died(part: Part, code: int) -> Answer:
    """The answer of a part whose process ended before it.

    Args:
        code: that the process left with; below 0 the signal that ended it.

    Raises:
        ClusterError: if no policy can be blamed: the system ended the process, or it was at work
            on an optimum.
    """
    name = scenario_of(part.specification).spec.id
    how = blamed_exit(code)
    if part.policy == OPTIMUM or how is None:
        raise ClusterError(
            f"a process died ({_how(code)}) at work on {part.policy!r} in {name}, perhaps for "
            "lack of memory; the same command goes on from the parts finished so far, and fewer "
            "--workers need less"
        )
    message = f"policy {part.policy!r} failed in {name}: it ended its process ({how})"
    return Answer(None, Conduct(failure=Failure(message)))


def blamed_exit(code: int) -> str | None:
    """How faulty code ended its own process; None if the system did.

    Args:
        code: that the process left with; below 0 the signal that ended it.
    """
    return _how(code) if code >= 0 or -code in CRASHES else None


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def work(task: Task, tell: Tell) -> Answer:
    """What a process far away does: as `play_part`, but small steps are told together."""
    waiting = 0

    def gather(units: int) -> None:
        nonlocal waiting
        waiting += units
        if waiting >= REPORT_EVERY:
            tell(task.number, waiting)
            waiting = 0

    answer = play_part(task.part, task.known, gather)
    tell(task.number, waiting)
    return answer


def put_together(job: Job, answers: Sequence[Answer]) -> ScenarioResult:
    """The result of a job from its answers, in the order of its parts."""
    episode = track_of(job.scenario).stack(draw_weeks(job.scenario, job.split, job.weeks, job.seed))
    played = {
        part.policy: Attempt(one.trajectory, one.conduct)
        for part, one in zip(parts_of(job), answers, strict=True)
        if part.policy != OPTIMUM
    }
    proofs = [one for one in answers if one.certificate is not None]
    weeks = [one.trajectory for one in proofs if one.trajectory is not None]
    played[OPTIMUM] = Attempt(join(weeks), SEES_ALL)
    certificates = [one.certificate for one in proofs if one.certificate is not None]
    prices = [one.plan.prices for one in proofs if one.plan is not None]
    return assemble(job.scenario, episode, played, certificates, prices)


class _OtherwiseError(Exception):
    """The policy gives another answer than before."""


@dataclass(frozen=True, slots=True)
class _Resumed:
    """A policy for the first steps, then recorded actions."""

    policy: Policy
    actions: NDArray[Any]
    steps: int  # in which the policy is asked

    def start(self, seeds: Sequence[int]) -> tuple[int, Any]:
        """The step counter, and the policy's memory."""
        return 0, self.policy.start(seeds)

    def act(
        self, observation: Float32Array, memory: tuple[int, Any]
    ) -> tuple[NDArray[Any], tuple[int, Any]]:
        """The policy's answer, or the recorded actions of this step."""
        step, own = memory
        if step >= self.steps:
            return self.actions[step], (step + 1, own)
        answer = self.policy.act(observation, own)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise WrongAnswerError("act() must return (action, memory)")
        return answer[0], (step + 1, answer[1])


def _play_again(
    scenario: AnyScenario, episode: AnyEpisode, name: str, known: Recording
) -> Trajectory | None:
    """Play recorded actions again; None if policy or engine behave differently now."""
    failure = known.conduct.failure
    steps = scenario.steps if failure is None else failure.step or 0
    if any(one.shape[:2] != (steps, episode.batch) for one in known.actions.values()):
        return None
    played = _alike(scenario, episode, name, known.actions, steps)
    return played if played is not None and played.digests == known.digests else None


@staying()
def _alike(
    scenario: AnyScenario, episode: AnyEpisode, name: str, actions: Joint, steps: int
) -> Trajectory | None:
    """Play recorded steps again; None if the policy answers differently on the first day.

    Answers are compared as they are recorded: with rest in columns that do not count.
    """
    first_day = round(24.0 / scenario.spec.dt_h)

    def compare(step: int, joint: Joint) -> None:
        for role, own in joint.items():
            known = actions[role][step]
            if own.dtype != known.dtype or own.tobytes() != known.tobytes():
                raise _OtherwiseError

    try:
        cast, _ = load_player(name, scenario, episode)
        resumed = {role: _Resumed(own, actions[role], first_day) for role, own in cast.items()}
        return rollout(scenario, episode, resumed, name, steps=steps, watch=compare)
    except (_OtherwiseError, FailedPolicyError):
        return None
