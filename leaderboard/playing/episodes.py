"""One episode of an entry: played, traced and scored, in any process."""

import re
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from leaderboard.playing.candidate import Candidate
from leaderboard.playing.guard import OnGrid
from leaderboard.playing.roles import actor, among_bots, guarded
from leaderboard.playing.scoring import focal_numbers, self_numbers
from leaderboard.record.record import Episode, FocalEpisode
from leaderboard.record.traces import ENDING, packed, trace_of
from leaderboard.season.draws import Draw
from leaderboard.season.season import Season
from p2p_market.evaluation.rollout import rollout
from p2p_market.evaluation.running.parts import Tell
from p2p_market.records import Float32Array
from p2p_market.tracks import track_of

OTHER_LETTERS: Final = re.compile(r"[^A-Za-z0-9._-]")
"""What the name of a file does not have, and that of a baseline may."""
OWN_CODE: Final = "own code"
"""In the record where no process was needed: rules and references compute nothing of a stranger."""


@dataclass(frozen=True, slots=True)
class Task:
    """An episode to be played."""

    candidate: Candidate
    season: Season
    file: str
    drawn: Draw
    seat: int | None  # in focus; None where the entry has all seats

    @property
    def file_name(self) -> str:
        """What plays, as the record names it."""
        return OTHER_LETTERS.sub("_", self.file)

    @property
    def name(self) -> str:
        """Of its trace and of its part, without an ending."""
        seat = "" if self.seat is None else f".seat-{self.seat}"
        return f"{self.file_name}.{self.drawn.board.scenario}.{self.drawn.index}{seat}"


@dataclass(frozen=True, slots=True)
class Played:
    """An episode that was played."""

    episode: Episode | FocalEpisode
    trace: bytes  # the file
    sandbox: str  # what held the process
    told: str = ""  # what a program said when it broke; for its author, in no record


@dataclass(frozen=True, slots=True)
class Timed:
    """A policy with a clock beside it."""

    policy: Any
    out_seconds: list[float]

    def start(self, seeds: Any) -> Any:
        """The policy's memory."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> Any:
        """The policy's answer."""
        began = time.perf_counter()
        try:
            return self.policy.act(observation, memory)
        finally:
            self.out_seconds.append(time.perf_counter() - began)


def play(task: Task, tell: Tell) -> Played:
    """Play an episode."""
    drawn, season, seat = task.drawn, task.season, task.seat
    scenario = drawn.scenario
    roles = track_of(scenario).roles(scenario)
    faults: list[int] = []
    seconds: list[float] = []
    with actor(task.candidate, task.file, season, drawn, seat) as one:
        timed = {role: Timed(policy, seconds) for role, policy in one.cast.items()}
        cast = guarded(timed, season, drawn, faults, seat)
        if seat is not None:
            cast = among_bots(cast, season, drawn, seat)
        on_grid = {role.name: OnGrid(cast[role.name], role.columns) for role in roles}
        played = rollout(scenario, drawn.episode(), on_grid, task.file)
        told = one.told
        level = one.level if one.processes else OWN_CODE
    alone = {role: actions[:, 0] for role, actions in played.actions.items()}
    trace = trace_of(roles, alone, np.array(faults, dtype=np.uint8))
    file, digest = packed(trace)
    shared: dict[str, Any] = {
        "file": task.file_name,
        "scenario": drawn.board.scenario,
        "draw": drawn.index,
        "trace": task.name + ENDING,
        "trace_sha256": digest,
    }
    tell(0, 1)
    if seat is None:
        numbers = self_numbers(season, drawn, trace, played)
        episode = Episode(**shared, **numbers, seconds=round(sum(seconds), 3))
        return Played(episode, file, level, told)
    numbers = focal_numbers(season, drawn, seat, trace, played)
    return Played(FocalEpisode(**shared, **numbers, seat=seat), file, level, told)
