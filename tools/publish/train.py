"""Train all that is published: `python -m tools.publish train`."""

import importlib
import json
import logging
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress

from p2p_market.commands.train import TRAINERS
from p2p_market.evaluation.running.processes import in_processes
from p2p_market.files import write_bytes, write_text
from tools.publish.plan import Training

CHECKPOINT: Final = "checkpoint.pt"
WORK: Final = Path("results") / "published"
"""Checkpoints; a training that was interrupted goes on from there."""
PACKAGES: Final = ("p2p-market", "numpy", "torch", "ray")


def train(wanted: Sequence[Training], workers: int) -> None:
    """Train what is not there yet, so many at a time."""
    missing = [each for each in wanted if not each.log.is_file()]
    with Progress() as progress:
        total = sum(each.settings["agent_steps"] for each in missing)
        task = progress.add_task("agent-steps", total=total)
        for training, seconds in in_processes(
            missing, workers, lambda done, _: progress.advance(task, done), trained
        ):
            name = f"{training.scenario} {training.method} seed {training.seed}"
            progress.console.print(f"{name}: {seconds:.0f} s")


def trained(training: Training, tell: Any) -> float:
    """Train one and publish what came of it; seconds that it took."""
    logging.getLogger("ray").setLevel(logging.ERROR)
    module, _, function = TRAINERS[training.told.trainer][0].partition(":")
    run = getattr(importlib.import_module(module), function)
    folder = WORK / training.scenario / training.method / str(training.seed)
    before = 0

    def passed(done: int, total: int, line: str) -> None:
        nonlocal before
        tell(done - before, total)
        before = done

    policy = run(training.settings, folder, tell=passed)
    log = (policy.parent / "progress.csv").read_text(encoding="utf-8")
    if not training.ablation:
        write_bytes(training.policy, policy.read_bytes())
    record = {
        "trainer": training.told.trainer,
        "settings": _told(folder),
        "versions": {name: version(name) for name in PACKAGES},
    }
    write_text(training.folder / f"seed-{training.seed}.json", json.dumps(record, indent=1) + "\n")
    write_text(training.log, log)  # last, for it vouches for the others
    return float(log.splitlines()[-1].split(",")[1])


def _told(folder: Path) -> Any:
    """All settings of a training, defaults included."""
    import torch

    return torch.load(folder / CHECKPOINT, weights_only=True)["args"]
