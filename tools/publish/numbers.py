"""What the records say: scores of methods and of players, and how validation went."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.evaluation.statistics.bootstrap import Interval, named_generator
from p2p_market.evaluation.statistics.methods import method_difference, method_score
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.records import FloatArray
from tools.publish.plan import CHOICES, METHODS, Training
from tools.publish.score import (
    AMONG_MACHINES,
    BATTERIES,
    BESIDE,
    BEST,
    EVERY,
    Board,
    costs,
    name_of,
)

STREAM: Final = "p2p_market/published/1"
AGAINST: Final[Mapping[Sequence[str], Sequence[str]]] = {
    BESIDE: ("storage-value", "mpc-alone"),
    AMONG_MACHINES: ("truthful", "storage-value", "mpc-alone-warm"),
    BATTERIES: ("reserve-first", "mpc-battery"),
}
"""Players of a board -> those that all are compared with."""


@dataclass(frozen=True, slots=True)
class Line:
    """A player, or all trainings of a method, on one board."""

    title: str
    trainings: int  # 0: nothing was trained
    score: Interval
    lowest: float  # training
    highest: float
    saved_eur: float  # a week
    over: Mapping[str, Interval]  # player -> score less its score


def lines(board: Board) -> list[Line]:
    """Methods, then the players beside them."""
    known, rule = costs(board), board.players[0]
    against = AGAINST[board.players]
    found = []
    for name, method in {**METHODS, **CHOICES}.items():
        own = _trained(board, name, known)
        if len(own):
            found.append(_line(method.title, len(own), own, known, rule, against))
    return found + [
        _line(f"`{name}`", 0, known[name][None], known, rule, against)
        for name in board.players
        if name != rule
    ]


def _trained(board: Board, method: str, known: Mapping[str, FloatArray]) -> FloatArray:
    """Costs of a method's trainings, (training, week)."""
    if board.trained_in is None:
        return np.zeros((0, 0))
    names = [
        name_of(Training(board.trained_in, method, seed).policy)
        for seed in range({**METHODS, **CHOICES}[method].seeds)
    ]
    return np.array([known[name] for name in names if name in known])


def _line(
    title: str,
    trainings: int,
    own: FloatArray,
    known: Mapping[str, FloatArray],
    rule: str,
    against: Sequence[str],
) -> Line:
    ends = known[rule], known[BEST]
    single = ratio_of_sums(ends[0][None], own, ends[1][None])
    return Line(
        title,
        trainings,
        method_score(own, *ends, named_generator(STREAM)),
        float(single.min()),
        float(single.max()),
        float((ends[0] - own).mean()),
        {
            name: method_difference(own, known[name][None], *ends, named_generator(STREAM))
            for name in against
        },
    )


@dataclass(frozen=True, slots=True)
class Curve:
    """How trainings of a method went, on validation weeks."""

    agent_steps: FloatArray  # (row,)
    score: FloatArray  # (training, row)
    seconds: FloatArray  # (training,), of the whole training


def curve(scenario: str, method: str) -> Curve | None:
    """The logs of all trainings that are there; rows that all of them have."""
    logs = []
    for seed in range(Training(scenario, method, 0).told.seeds):
        path = Training(scenario, method, seed).log
        if path.is_file():
            rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
            wanted = ("agent_steps", "seconds", "validation_saving_eur")
            logs.append(np.array([[float(row[key]) for key in wanted] for row in rows]))
    if not logs:
        return None
    log = np.stack(logs)
    return Curve(log[0, :, 0], 100.0 * log[..., 2] / possible_eur(scenario), log[:, -1, 1])


@lru_cache
def possible_eur(scenario: str) -> float:
    """What the optimum saves in a validation week, mean [EUR]."""
    known, rule = _validated(scenario)
    return float((known[rule] - known[BEST]).mean())


def validation_score(scenario: str, player: str) -> float:
    """Score of a player that was not trained, on validation weeks."""
    known, rule = _validated(scenario)
    return float(ratio_of_sums(known[rule], known[player], known[BEST]))


def _validated(scenario: str) -> tuple[Mapping[str, FloatArray], str]:
    """Costs on the validation weeks by player, and the name of the rule at 0."""
    every = [board for board in EVERY if board.split == "validation"]
    board = next(board for board in every if board.scenario == scenario)
    return costs(board), board.players[0]
