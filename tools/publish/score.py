"""Play what was trained, and the players beside it: `python -m tools.publish score`.

For every board (a scenario and a part of the year) one file in `baselines/published/boards/` holds
the social cost of every player in every week, and a digest of all that happened. `check` plays
again and compares.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.progress import Progress

from baselines.community.optimal.policy import optimum
from p2p_market.community.baselines import RULE
from p2p_market.evaluation.benchmark import Yardstick, all_weeks, best_of, draw_weeks
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import published
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.rollout import join
from p2p_market.evaluation.running.processes import in_processes
from p2p_market.files import write_text
from p2p_market.registry import load_scenario
from p2p_market.track import OPTIMUM, Trajectory
from p2p_market.tracks import track_of
from tools.publish.plan import (
    AGENT_STEPS,
    CHOICE_STEPS,
    CHOICES,
    FOLDER,
    MACHINE_STEPS,
    METHODS,
    Training,
)

SCHEMA: Final = "p2p_market/published/1"
SEED: Final = 0  # of the episodes
BOARDS: Final = FOLDER / "boards"
YEARS: Final = FOLDER / "years"  # scenarios whose prices no training has seen
BESIDE: Final = (RULE, "truthful", "zip", "storage-value", "mpc-alone", "mpc-community")
AMONG_MACHINES: Final = (
    *BESIDE[:3], "gjerstad-dickhaut", "storage-value", "mpc-alone-warm", "mpc-community-warm",
)  # fmt: skip
BATTERIES: Final = ("dam-only", "random-masked", "reserve-first", "mpc-battery")
BEST: Final = "best"  # the 100 of the scale


@dataclass(frozen=True, slots=True)
class Board:
    """Weeks that are played."""

    scenario: str  # id, or a YAML file in `YEARS`
    split: str
    trained_in: str | None  # the scenario whose networks play; None: rules and planners only
    players: tuple[str, ...] = BESIDE  # the first at 0, the last the slow one

    @property
    def path(self) -> Path:
        """The record of what was played."""
        return BOARDS / f"{self.scenario.removesuffix('.yaml')}-{self.split}.json"

    @property
    def loaded(self) -> Any:
        """The scenario."""
        own = self.scenario.endswith(".yaml")
        return load_scenario(YEARS / self.scenario if own else self.scenario)

    @property
    def beside(self) -> tuple[str, ...]:
        """Players that were not trained; the slow one on test weeks only."""
        return self.players if self.split == "test" else self.players[:-1]

    @property
    def networks(self) -> list[Path]:
        """Files that play; those that are there."""
        if self.trained_in is None:
            return []
        every = [
            Training(self.trained_in, name, seed).policy
            for name, method in {**METHODS, **CHOICES}.items()
            for seed in range(method.seeds)
        ]
        return [path for path in every if path.is_file()]


HELD_OUT: Final = "held-out-households-v0"
TEST: Final = (
    *(Board(scenario, "test", scenario) for scenario in AGENT_STEPS),
    Board(HELD_OUT, "test", "community-16-v0"),  # households, roofs and batteries never seen
)
VALIDATION: Final = tuple(Board(scenario, "validation", None) for scenario in AGENT_STEPS)
OTHER_YEAR: Final = Board(
    "battery-146-wide-other-v0.yaml", "test", "battery-146-wide-v0", BATTERIES
)
BATTERY: Final = (
    *(Board(scenario, "test", scenario, BATTERIES) for scenario in CHOICE_STEPS),
    OTHER_YEAR,
    *(Board(scenario, "validation", None, BATTERIES) for scenario in CHOICE_STEPS),
)
MACHINES: Final = (
    *(Board(scenario, "test", scenario, AMONG_MACHINES) for scenario in MACHINE_STEPS),
    *(Board(scenario, "validation", None, AMONG_MACHINES) for scenario in MACHINE_STEPS),
)
EVERY: Final = (*TEST, *VALIDATION, *MACHINES, *BATTERY)


def name_of(network: Path) -> str:
    """Name of a player that is a file: where it stands in the folder."""
    return network.relative_to(FOLDER).with_suffix("").as_posix()


@dataclass(frozen=True, slots=True)
class Task:
    """One player on one board."""

    board: Board
    player: str

    @property
    def policy(self) -> str:
        """What the benchmark calls it."""
        file = FOLDER / f"{self.player}.onnx"
        return str(file) if file.is_file() else self.player


def tasks(boards: Sequence[Board]) -> Iterator[Task]:
    """Every player on every board, the slow ones first."""
    for board in boards:
        for player in (*reversed(board.beside), BEST):
            yield Task(board, player)
    for board in boards:
        for network in board.networks:
            yield Task(board, name_of(network))


def played(task: Task, tell: Any) -> dict[str, Any]:
    """The record of one player: cost per week [EUR] and a digest."""
    if task.player == BEST:
        return {"social_cost_eur": _best_eur(task.board).tolist()}
    scenario, episode, _ = _weeks(task.board)
    trajectory = play(scenario, episode, task.policy)
    record = {
        "social_cost_eur": trajectory.social_cost_eur.tolist(),
        "digest": _digest(trajectory),
    }
    if task.policy != task.player:
        record["sha256"] = hashlib.sha256(Path(task.policy).read_bytes()).hexdigest()
    return record


def _digest(played: Trajectory) -> str:
    return hashlib.sha256("".join(played.digests).encode()).hexdigest()


def _best_eur(board: Board) -> Any:
    scenario, _, singles = _weeks(board)
    planner = optimum(scenario, proved=True) if board.players[0] == RULE else Yardstick(scenario)
    plans = [published(scenario, each) or planner.plan(each) for each in singles]
    proofs = [
        certify(scenario, each, plan, OPTIMUM) for each, plan in zip(singles, plans, strict=True)
    ]
    certificates = [certificate for certificate, _ in proofs]
    if not all(certificate.holds for certificate in certificates):
        raise SystemExit(f"{board.path.stem}: the optimum's certificate does not hold")
    return best_of(scenario, certificates, join([each for _, each in proofs]))


@lru_cache(maxsize=2)
def _weeks(board: Board) -> tuple[Any, ...]:
    scenario = board.loaded
    singles = draw_weeks(scenario, board.split, all_weeks(scenario, board.split), SEED)
    return scenario, track_of(scenario).stack(singles), singles


def read(board: Board) -> dict[str, Any]:
    """The record of a board, empty if there is none or its scenario has changed."""
    digest = board.loaded.digest
    if board.path.is_file():
        record: dict[str, Any] = json.loads(board.path.read_text(encoding="utf-8"))
        if (record["schema"], record["digest"]) == (SCHEMA, digest):
            return record
    head = {"schema": SCHEMA, "scenario": board.scenario, "digest": digest}
    return {**head, "split": board.split, "seed": SEED, "players": {}}


def costs(board: Board) -> Mapping[str, Any]:
    """Social cost by player, (week,) [EUR]; the mean where a week is drawn several times."""
    players, weeks = read(board)["players"], len(all_weeks(board.loaded, board.split))
    return {
        name: np.array(each["social_cost_eur"]).reshape(weeks, -1).mean(axis=1)
        for name, each in players.items()
    }


def score(workers: int) -> None:
    """Play all that is not recorded yet."""
    boards = EVERY
    records = {board: read(board) for board in boards}
    missing = [
        task
        for task in tasks(boards)
        if not _recorded(task, records[task.board]["players"].get(task.player))
    ]
    for task, record in _all_played(missing, workers):
        players = records[task.board]["players"]
        players[task.player] = record
        records[task.board]["players"] = dict(sorted(players.items()))
        write_text(task.board.path, json.dumps(records[task.board], indent=1) + "\n")


def _recorded(task: Task, record: Mapping[str, Any] | None) -> bool:
    """Whether what is recorded is of the file that is there now."""
    if record is None or task.policy == task.player:
        return record is not None
    digest = hashlib.sha256(Path(task.policy).read_bytes()).hexdigest()
    return bool(record["sha256"] == digest)


def check(workers: int, chosen: Sequence[Task]) -> list[str]:
    """Play again; what differs from the records, in words."""
    wrong = []
    for task, record in _all_played(chosen, workers):
        if record != read(task.board)["players"].get(task.player):
            wrong.append(f"{task.board.path.name}: {task.player} plays differently from its record")
    return wrong


def _all_played(chosen: Sequence[Task], workers: int) -> Iterator[tuple[Task, dict[str, Any]]]:
    if not chosen:
        return
    with Progress() as progress:
        bar = progress.add_task("players", total=len(chosen))
        for done in in_processes(chosen, workers, lambda *_: None, played):
            progress.advance(bar)
            yield done
