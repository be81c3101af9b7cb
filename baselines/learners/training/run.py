"""The run of a training of any kind: its folder, its log, what is kept, when it stops.

The clock decides when a training stops, and nothing else: what stands in a checkpoint is a function
of its settings.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from tensorboardX import SummaryWriter

from baselines.learners.decision import Decision
from baselines.learners.ppo.export import write_onnx
from baselines.learners.ppo.policy import saved
from baselines.learners.training import budget, checkpoint
from baselines.learners.training.checkpoint import Given, Row
from baselines.learners.training.verdicts import verdicts
from p2p_market.evaluation.players.policy import Policy
from p2p_market.track import AnyScenario
from p2p_market.tracks import track_of

Tell = Callable[[int, int, str], None]
"""Called with agent-steps done, agent-steps in all, and a line of text or nothing."""


class Report(Protocol):
    """How the updates of an episode went."""

    def row(self, told: str) -> dict[str, float]:
        """Columns of the log; `told` is the name of what measures exploration."""


class Trainable(Protocol):
    """What can be driven: plays and learns from one episode after the other."""

    kind: str  # name of the trainer, told in its checkpoints
    meaning: str  # of the network's outputs, as files of policies name it
    goes_on: bool  # after an interruption, from a checkpoint
    alone: bool  # in this process, so that its processor time is all of the training's
    scenario: AnyScenario
    episode: int  # played so far
    best_eur: float  # saved on the validation weeks

    @property
    def settings(self) -> Given:
        """All that the training is a function of."""

    @property
    def args(self) -> Any:
        """Of these `agent_steps`, `validate_every` and `seed`."""

    @property
    def agent_steps(self) -> int:
        """Played so far."""

    @property
    def decision(self) -> Decision:
        """What outputs mean."""

    @property
    def network(self) -> Any:
        """Without exploration."""

    def begin(self) -> None:
        """Start again."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""

    def learn(self) -> tuple[Report, float]:
        """Play and learn from one episode; how it went, and the mean reward."""

    def validation(self) -> Any:
        """The weeks on which policies are chosen."""

    def policy(self) -> Policy:
        """The policy of the moment."""

    def state(self) -> dict[str, Any]:
        """All that the rest of the training is a function of."""


def drive(
    training: Trainable, folder: Path, minutes: float | None = None, tell: Tell | None = None
) -> Path:
    """Train, or go on training, until the agent-steps or the minutes are spent.

    Args:
        training: of any kind, at its beginning.
        folder: gets `policy.onnx` (best on the validation weeks), `progress.csv`, `curve.csv` and
            `training.toml` (what it cost), `tensorboard/`, and `checkpoint.pt` where the training
            goes on after an interruption.
        minutes: of this call; None for as long as it takes.
        tell: called with the progress.

    Returns:
        The file of the best policy.

    Raises:
        PolicyError: if the folder holds another training.
    """
    args, tell = training.args, tell or _nobody
    rule = track_of(training.scenario).CARD.rule
    torch.set_num_threads(1)
    kind, settings, digest = training.kind, training.settings, training.scenario.digest
    state = None
    if training.goes_on:
        state = checkpoint.read_checkpoint(folder, kind, settings, digest)
    if state is None:
        training.begin()
    else:
        training.restore(state)
    rows = checkpoint.read_rows(folder, training.agent_steps) if training.goes_on else []
    validation = training.validation()
    tell(training.agent_steps, args.agent_steps, validation.told())
    clock = _Clock(
        minutes, rows[-1]["seconds"] if rows else 0.0, budget.spent_h(folder) * bool(rows)
    )
    with _board(folder, training.agent_steps) as show:
        while training.agent_steps < args.agent_steps and not clock.over():
            report, reward = training.learn()
            tell(training.agent_steps, args.agent_steps, "")
            last = training.agent_steps >= args.agent_steps
            last |= clock.over() and not training.goes_on
            if training.episode % args.validate_every and not last:
                continue
            saving = validation.saving_eur(training.policy())
            rows.append(_row(training, clock.seconds(), saving, reward, report))
            budget.write(folder, _told(training, rows, clock), rows)
            _keep(training, folder, rows, saving)
            show({**rows[-1], **_by_name(rows[-1]), **validation.shown})
            tell(training.agent_steps, args.agent_steps, _line(rows[-1], rule))
    for line in verdicts(rows):
        tell(training.agent_steps, args.agent_steps, line)
    return folder / checkpoint.POLICY


def _keep(training: Trainable, folder: Path, rows: list[Row], saving_eur: float) -> None:
    """Write log, policy and, last, the checkpoint that vouches for both."""
    checkpoint.write_rows(folder, rows)
    if saving_eur > training.best_eur:
        training.best_eur = saving_eur
        path = folder / checkpoint.POLICY
        write_onnx(path, training.network, training.decision.names, training.meaning)
    if training.goes_on:
        given = training.kind, training.settings, training.scenario.digest
        checkpoint.write_checkpoint(folder, *given, training.state())


def _told(training: Trainable, rows: list[Row], clock: "_Clock") -> dict[str, Any]:
    """What a package says of the training, as its author need not find out."""
    scenario, role = training.scenario.spec.id, getattr(training.args, "role", "")
    return {
        "summary": f"p2p-market train {training.kind} -s {scenario}"
        + (f" --set role={role}" if role else ""),
        "seeds": [training.args.seed],
        "agent_steps": training.agent_steps,
        "processor_hours": round(clock.processor_h(), 5) if training.alone else None,
        "hours": round(rows[-1]["seconds"] / 3600.0, 5),
        "hardware": budget.hardware(),
        "data": [f"{scenario}: train", f"{scenario}: validation, to choose the policy"],
    }


@contextmanager
def _board(folder: Path, begun: int) -> Iterator[Callable[[Row], None]]:
    """Shows rows of the log in TensorBoard."""
    with SummaryWriter(str(folder / "tensorboard"), purge_step=begun + 1) as writer:

        def show(row: Row) -> None:
            for key, value in row.items():
                writer.add_scalar(key, value, int(row["agent_steps"]))

        yield show


def _row(
    training: Trainable, seconds: float, saving_eur: float, reward: float, report: Report
) -> Row:
    return {
        "agent_steps": training.agent_steps,
        "seconds": seconds,
        "validation_saving_eur": saving_eur,
        "reward": reward,
        **report.row(training.network.actor.told),
    }


def _by_name(row: Row) -> Row:
    """The same by the names of other libraries, of a training with choices."""
    if "entropy" not in row:
        return {}
    return {
        "train/clip_fraction": row["clipped"],
        "train/approx_kl": row["divergence"],
        "train/entropy_loss": -row["entropy"],
        "train/explained_variance": row["explained"],
    }


def _line(row: Row, rule: str) -> str:
    million, told = row["agent_steps"] / 1e6, saved(row["validation_saving_eur"], rule)
    return f"{told} after {million:.1f} M agent-steps, {row['seconds']:.0f} s"


def _nobody(done: int, total: int, line: str) -> None:
    """Told, and silent."""


class _Clock:
    """Time of this training, over all calls, and when to stop."""

    def __init__(self, minutes: float | None, before: float, spent_h: float) -> None:
        self.before, self.began = before, time.perf_counter()
        self.spent_h, self.ran = spent_h, time.process_time()
        self.limit = float("inf") if minutes is None else 60.0 * minutes

    def seconds(self) -> float:
        return self.before + time.perf_counter() - self.began

    def processor_h(self) -> float:
        return self.spent_h + (time.process_time() - self.ran) / 3600.0

    def over(self) -> bool:
        return time.perf_counter() - self.began >= self.limit
