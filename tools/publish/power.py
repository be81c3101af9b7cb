"""Learners of a power system: trained, and played on test weeks beside untrained ones and the rule.

`python -m tools.publish power` does what is not recorded yet, and writes `roles.json`.
"""

import hashlib
import importlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.progress import Progress

from p2p_market.commands.train import TRAINERS
from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.rollout import rollout
from p2p_market.evaluation.running.processes import in_processes
from p2p_market.files import write_bytes, write_text
from p2p_market.registry import load_scenario
from p2p_market.track import Trajectory
from p2p_market.tracks import track_of
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH, ROLES
from tools.publish.plan import FOLDER

SCENARIO: Final = "wholesale-12-v0"
PLACE: Final = FOLDER / SCENARIO
PATH: Final = PLACE / "roles.json"
WORK: Final = Path("results") / "published" / SCENARIO
SCHEMA: Final = "p2p_market/roles/1"
SEEDS: Final = 5
DIGITS: Final = 3
STAGES: Final = ("untrained", "pretrained", "trained")
CORNERS: Final = ("stability", "cost", "environment")
ALL: Final = "all four"


@dataclass(frozen=True, slots=True)
class Learner:
    """A way to train a role."""

    trainer: str
    settings: Mapping[str, Any]
    stages: tuple[str, ...] = STAGES

    @property
    def role(self) -> str:
        """Which it trains."""
        return TRAINERS[self.trainer][2]


LEARNERS: Final[Mapping[str, Learner]] = {
    "dqn": Learner("dqn", {}),
    "dqn-coal": Learner("dqn", {"unit": "coal_0"}, ("trained",)),
    "actor-critic": Learner("actor-critic", {}, ("untrained", "trained")),
    "maddpg": Learner("maddpg", {}),
    "operator-dqn": Learner("operator-dqn", {}),
}
TOGETHER: Final = ("dqn", "actor-critic", "maddpg", "operator-dqn")


@dataclass(frozen=True, slots=True)
class Task:
    """One training, or one play of all test weeks."""

    learner: str  # or ALL, or "" for the default rule
    seed: int
    stage: str = ""  # "": to be trained

    @property
    def name(self) -> str:
        """In the record."""
        return f"{self.learner} {self.stage} {self.seed}" if self.learner else "default"

    @property
    def folder(self) -> Path:
        """Of the training."""
        return WORK / self.learner / str(self.seed)


def file_of(learner: str, stage: str, seed: int) -> Path:
    """A network of a training: those of trained ones are part of the repository."""
    if stage == "trained":
        return PLACE / learner / f"seed-{seed}.onnx"
    return WORK / learner / str(seed) / f"{stage}.onnx"


def plays() -> Iterator[Task]:
    """All that is played."""
    yield Task("", 0, "rule")
    for name, learner in LEARNERS.items():
        corners = CORNERS if name == "operator-dqn" else ()
        for stage in (*learner.stages, *corners):
            yield from (Task(name, seed, stage) for seed in range(SEEDS))
    yield from (Task(ALL, seed, "trained") for seed in range(SEEDS))


def publish(workers: int) -> None:
    """Train and play what is not there yet, so many at a time."""
    trainings = [Task(name, seed) for seed in range(SEEDS) for name in LEARNERS]
    missing = [one for one in trainings if not _log(one).is_file()]
    record: dict[str, Any] = (
        read() if PATH.is_file() else {"schema": SCHEMA, "scenario": SCENARIO, "plays": {}}
    )
    with Progress() as progress:
        bar = progress.add_task("trainings", total=len(missing))
        done = in_processes(missing, workers, lambda *_: None, _trained) if missing else ()
        for task, seconds in done:
            progress.advance(bar)
            progress.console.print(f"{task.learner} seed {task.seed}: {seconds:.0f} s")
        todo = [one for one in plays() if one.name not in record["plays"]]
        bar = progress.add_task("plays", total=len(todo))
        found = in_processes(todo, workers, lambda *_: None, _played) if todo else ()
        for task, numbers in found:
            record["plays"][task.name] = numbers
            progress.advance(bar)
            _write(record)


def _write(record: dict[str, Any]) -> None:
    order = [one.name for one in plays()]
    found = record["plays"]
    record["digest"] = load_scenario(SCENARIO).digest
    record["plays"] = {name: found[name] for name in order if name in found}
    write_text(PATH, json.dumps(record, indent=1) + "\n")


def read() -> dict[str, Any]:
    """The record."""
    found: dict[str, Any] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def _log(task: Task) -> Path:
    return PLACE / task.learner / f"seed-{task.seed}.csv"


def _trained(task: Task, tell: Any) -> float:
    """Train, and write what is published of it; seconds of the processor."""
    learner, began = LEARNERS[task.learner], time.process_time()
    path, _, function = TRAINERS[learner.trainer][0].partition(":")
    module = importlib.import_module(path)
    given = {"scenario": SCENARIO, "seed": task.seed, **learner.settings}
    policy = getattr(module, function)(given, task.folder)
    seconds = time.process_time() - began
    for stage in learner.stages[:-1]:
        _write_stage(learner, given, stage, file_of(task.learner, stage, task.seed))
    write_bytes(file_of(task.learner, "trained", task.seed), policy.read_bytes())
    packages = {name: version(name) for name in ("p2p-market", "numpy", "torch")}
    told = {
        "trainer": learner.trainer,
        "settings": _settings(task.folder),
        "processor_seconds": round(seconds),
        "versions": packages,
    }
    text = json.dumps(told, indent=1) + "\n"
    write_text(PLACE / task.learner / f"seed-{task.seed}.json", text)
    write_text(_log(task), (task.folder / "progress.csv").read_text(encoding="utf-8"))
    return seconds


def _settings(folder: Path) -> Any:
    import torch

    return torch.load(folder / "checkpoint.pt", weights_only=True)["args"]


def _write_stage(learner: Learner, given: Mapping[str, Any], stage: str, path: Path) -> None:
    """A network before its first episode: as it was drawn, or taught by training days alone."""
    from baselines.learners.ppo.export import write_onnx
    from baselines.wholesale.pretrain import begun

    days = {"day_updates": 0} if stage == "untrained" and "pretrained" in learner.stages else {}
    training = begun(learner.role, {**given, **days})
    write_onnx(path, training.network, training.decision.names, training.meaning)


def _played(task: Task, tell: Any) -> dict[str, Any]:
    """Numbers of all test weeks."""
    scenario = load_scenario(SCENARIO)
    track = track_of(scenario)
    keys = [unit[0] for unit in track.keys(scenario, "test", 0)]
    episode = track.stack([track.draw(scenario, key) for key in keys])
    rule: Any = load_cast("default", scenario)
    files = {}
    for name in TOGETHER if task.learner == ALL else filter(None, [task.learner]):
        files[LEARNERS[name].role] = file_of(name, task.stage, task.seed)
    cast = {**rule}
    for role, path in files.items():
        cast[role] = load_cast(f"{role}={path}", scenario)[role]
    played = rollout(scenario, episode, cast)
    digests = {role: hashlib.sha256(path.read_bytes()).hexdigest() for role, path in files.items()}
    return {"files": digests, **_numbers(scenario, episode, played)}


def _numbers(scenario: Any, episode: Any, played: Trajectory) -> dict[str, Any]:
    """Per week what each role pays and the system costs; over all weeks bids above cost by unit."""
    track = track_of(scenario)
    own = {
        role.name: [scenario.agents.index(agent) for agent in role.agents]
        for role in track.roles(scenario)
    }
    paid = {name: played.private_cost_eur[:, places].sum(axis=1) for name, places in own.items()}
    metrics = {
        name: metric.of(scenario, episode, played) for name, metric in track.CARD.metrics.items()
    }
    units = len(own["generator"])
    bids = played.series["order_eur_per_mwh"][:, :, units : 2 * units]
    offered = np.abs(played.series["order_mw"][:, :, units : 2 * units])
    above = np.where(offered > 0.0, bids - _truthful(scenario), 0.0).sum(axis=(0, 1))
    markups = above / np.maximum((offered > 0.0).sum(axis=(0, 1)), 1)
    agents = dict(zip(scenario.agents, played.private_cost_eur.T, strict=True))
    return {
        "paid_eur": {name: _rounded(values) for name, values in paid.items()},
        "unit_profit_eur": {name: _rounded(-agents[name]) for name in scenario.agents[:units]},
        "social_cost_eur": _rounded(played.social_cost_eur),
        "metrics": {name: _rounded(values) for name, values in metrics.items()},
        "stability_eur": _rounded(_deviations(played)),
        "markup_eur_per_mwh": dict(zip(scenario.agents[:units], _rounded(markups), strict=True)),
        "digests": list(played.digests),
    }


def _truthful(scenario: Any) -> Any:
    return np.array(LEVELS_EUR_PER_MWH)[scenario.fleet.truthful]


def _deviations(played: Trajectory) -> Any:
    """What frequency and voltage beyond their bands cost, (week,) [EUR]."""
    from p2p_market.wholesale.records import LEDGER_ENTRIES

    places = [LEDGER_ENTRIES.index(name) for name in ("frequency", "voltage", "shed_load")]
    return played.entries_eur[..., places].sum(axis=(0, 2, 3))


def _rounded(values: Any) -> list[float]:
    return [round(float(value), DIGITS) for value in values]


assert {learner.role for learner in LEARNERS.values()} == set(ROLES)
