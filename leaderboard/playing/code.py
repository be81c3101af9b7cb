"""A package of code as a policy: a process for each seat, so that no seat can tell another.

The seats are asked one after the other, and who is not asked is stopped. A seat hears what is
public of it, then in each step what it observes and what the market has published so far.
"""

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import numpy as np

from leaderboard.package.package import Package
from leaderboard.sandbox.code.process import CodeProcess
from leaderboard.sandbox.process import FaultError
from leaderboard.season.season import Limits
from leaderboard.tracks import board_card_of
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import AnyEpisode, AnyScenario, Role
from p2p_market.tracks import track_of

LARGEST: Final = 2.0**20
"""Actions count as the end of a range far below."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a package of code plays with in one role; `seated` puts it to work in an episode."""

    package: Package
    role: str

    def start(self, seeds: Sequence[int]) -> Any:
        """Code is not played outside a process of its own."""
        raise PolicyError("code plays in processes of its own alone")

    def act(self, observation: Float32Array, memory: Any) -> tuple[FloatArray, Any]:
        """As `start`."""
        raise PolicyError("code plays in processes of its own alone")


@dataclass(frozen=True, slots=True)
class Seated:
    """The policy of all seats that are asked, for a batch of one; memory stays in the processes."""

    processes: Mapping[int, CodeProcess]  # by seat
    rest: FloatArray  # (agent, column), of seats that are not asked
    masks: Callable[[Float32Array], Any]  # (batch, agent, choice), or None
    published: Callable[[int, int], Mapping[str, FloatArray]]  # (agent, step)

    alone: "Alone"
    steps: Iterator[int]  # counted here, since a faulty step leaves the memory as it was

    def start(self, seeds: Sequence[int]) -> None:
        """Nothing; of the seeds no process hears."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Actions for what is seen.

        Raises:
            FaultError: if a process gives no usable answer; all are asked even so.
        """
        action, allowed = self.rest[None].copy(), self.masks(observation)
        step, faults = next(self.steps), []
        for seat, process in self.processes.items():
            mask = None if allowed is None else allowed[0, seat]
            question = asked(observation[0, seat], mask, self.published(seat, step))
            try:
                answer = process.ask(question, 8 * action.shape[2])
                action[0, seat] = np.frombuffer(answer, dtype=np.float64)
                self.alone.keep(seat, question, answer)
            except FaultError as fault:
                faults.append(fault)
                self.alone.stop(seat)
        if faults:
            raise FaultError(faults[0].kind)
        if not np.isfinite(action).all():
            raise FaultError("number")
        return np.clip(action, -LARGEST, LARGEST), None


@dataclass(slots=True)
class Alone:
    """What one seat was asked and answered, to be asked again by itself.

    After a fault its process starts anew, and so does that which repeats it: were only the steps
    before the first fault repeated, a seat could buy its freedom with one fault.
    """

    seat: int
    again: CodeProcess
    kept: list[list[tuple[bytes, bytes]]] = field(default_factory=lambda: [[]])  # by start

    def keep(self, seat: int, question: bytes, answer: bytes) -> None:
        """One step."""
        if seat == self.seat:
            self.kept[-1].append((question, answer))

    def stop(self, seat: int) -> None:
        """A fault: its process starts anew."""
        if seat == self.seat:
            self.kept.append([])

    def repeated(self) -> bool:
        """Whether a process of its own, without neighbours, answers the same bytes."""
        try:
            for part in self.kept:
                with self.again as process:
                    if not all(process.ask(asked, len(told)) == told for asked, told in part):
                        return False
        except FaultError:
            return False
        return True


def asked(seen: Float32Array, allowed: Any, published: Mapping[str, FloatArray]) -> bytes:
    """A question: what is seen, what is allowed, and each series after its length."""
    parts = [np.ascontiguousarray(seen, dtype=np.float32).tobytes()]
    if allowed is not None:
        parts.append(np.asarray(allowed, dtype=np.uint8).tobytes())
    for values in published.values():
        parts += [struct.pack("<I", len(values)), np.asarray(values, dtype=np.float64).tobytes()]
    return b"".join(parts)


@contextmanager
def seated(
    code: Code, scenario: AnyScenario, episode: AnyEpisode, limits: Limits, seats: Sequence[int]
) -> Iterator[Seated]:
    """A package of code at work in an episode; its processes end with the block.

    The seat that is asked again follows from the seed of the episode, which no seat knows.
    """
    track, card = track_of(scenario), board_card_of(scenario)
    roles: Sequence[Role] = track.roles(scenario)
    (role,) = (one for one in roles if one.name == code.role)

    def published(seat: int, step: int) -> Mapping[str, FloatArray]:
        return card.published(scenario, episode, role.name, seat, step)

    learnt: Mapping[str, Any] = {}
    if code.package.manifest.policy.learnt and card.learnt is not None:
        learnt = card.learnt(scenario, episode)
    choices = sum(column.choices for column in role.columns)
    seen = np.zeros((1, len(role.agents), len(role.features)), dtype=np.float32)
    masked = choices > 0 and track.masks(scenario, role.name, seen) is not None

    def process(seat: int) -> CodeProcess:
        noise = _noise(code, seat)
        facts = {
            **card.facts(scenario, episode, role.name, seat),
            **learnt,
            "seed": int.from_bytes(noise[:4], "big"),
        }
        setup = {
            "facts": facts,
            "allowed": choices if masked else 0,
            "series": list(published(seat, 0)),
        }
        return CodeProcess(setup, code.package.files, limits, noise)

    chosen = seats[episode.keys[0].seed % len(seats)]
    with ExitStack() as running:
        processes = {seat: process(seat) for seat in seats}
        for each in processes.values():
            running.enter_context(each)
        yield Seated(
            processes,
            role.rest,
            lambda observation: track.masks(scenario, role.name, observation) if masked else None,
            published,
            Alone(chosen, process(chosen)),
            count(),
        )


def _noise(code: Code, seat: int) -> bytes:
    """What random numbers of a seat begin from: the package and the seat, and nothing of a draw."""
    words = f"p2p_market/noise/1 {code.package.identity} {code.role} {seat}"
    return hashlib.sha256(words.encode()).digest()
