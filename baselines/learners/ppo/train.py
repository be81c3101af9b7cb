"""PPO from the first episode to the last: `p2p-market train ppo`.

All agents share one actor, which sees only its agent's observation, so one file serves communities
of any size. The clock decides when a training stops, and nothing else: what stands in a checkpoint
is a function of `Args`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from tensorboardX import SummaryWriter

from baselines.learners.decision import Decision
from baselines.learners.plain import only_role
from baselines.learners.ppo import checkpoint, masked
from baselines.learners.ppo.args import FAST, Args, args_from
from baselines.learners.ppo.checkpoint import Row, Settings
from baselines.learners.ppo.collect import Collector, first_seed
from baselines.learners.ppo.decision import chosen
from baselines.learners.ppo.export import write_onnx
from baselines.learners.ppo.imitate import imitate, lessons
from baselines.learners.ppo.learn import Critic, Learner, Report
from baselines.learners.ppo.masked import Parts, choices_of
from baselines.learners.ppo.network import Actor, Inputs
from baselines.learners.ppo.policy import Network, TorchPolicy, Validation, saved
from baselines.learners.ppo.verdicts import verdicts
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.registry import load_scenario
from p2p_market.track import AnyScenario
from p2p_market.tracks import track_of

Tell = Callable[[int, int, str], None]
"""Called with agent-steps done, agent-steps in all, and a line of text or nothing."""


class Trainable(Protocol):
    """What can be driven: plays and learns from one episode after the other."""

    kind: str  # name of the trainer, told in its checkpoints
    args: Args
    scenario: AnyScenario
    episode: int  # played so far
    best_eur: float  # saved on the validation weeks

    @property
    def settings(self) -> Settings:
        """All that the training is a function of."""

    @property
    def agent_steps(self) -> int:
        """Played so far."""

    @property
    def decision(self) -> Decision:
        """What outputs mean."""

    @property
    def network(self) -> Network:
        """Without exploration."""

    def begin(self) -> None:
        """Start again."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""

    def learn(self) -> tuple[Report, float]:
        """Play and learn from one episode; how it went, and the mean reward."""

    def validation(self) -> Any:
        """The weeks on which policies are chosen."""

    def policy(self) -> TorchPolicy:
        """The policy of the moment."""

    def state(self) -> dict[str, Any]:
        """All that the rest of the training is a function of."""


class Training:
    """Networks, communities and log of one training."""

    kind = "ppo"

    def __init__(self, args: Args) -> None:
        """Before the first episode.

        Raises:
            PolicyError: if the segments do not make whole episodes.
        """
        self.args = self.settings = args
        self.scenario = scenario = load_scenario(args.scenario)
        self.generator = torch.Generator().manual_seed(args.seed)
        made = _parts(args, scenario, self.generator)
        self.collector, self.decision = made.collector, made.decision
        self.inputs, self.actor, self.weeks = made.inputs, made.actor, made.weeks
        critic = Critic(self.inputs.width, made.joint, args, self.generator)
        self.learner = Learner(self.actor, critic, args, scenario.dt_h, self.generator)
        self.network = Network(self.inputs, self.actor)
        self.episode, self.best_eur = 0, -np.inf
        self.episode_agent_steps = args.communities * len(scenario.agents) * scenario.steps

    @property
    def agent_steps(self) -> int:
        """Played so far, the first episode included, in which nothing is learnt."""
        return int(self.episode * self.episode_agent_steps)

    def begin(self) -> None:
        """Play the first episode by rule and at random; freeze the normalisation of inputs."""
        self.collector.begin(first_seed(self.args), 0)
        inputs, joint = self.collector.survey(np.random.default_rng(self.args.seed))
        self.inputs.freeze(inputs)
        self.learner.critic.freeze(joint)
        if self.args.imitate:
            taught = lessons(self.scenario, self.decision, self.args)
            imitate(self.inputs, self.actor, taught, self.args, self.generator)
        self.episode = 1

    def learn(self) -> tuple[Report, float]:
        """Play and learn from one episode; the last report, and the mean reward."""
        rewards = []
        for _ in range(self.scenario.steps // self.collector.steps):
            left = max(0.0, 1.0 - self.agent_steps / self.args.agent_steps)
            segment = self.collector.play(self.inputs, self.actor)
            report = self.learner.update(segment, left)
            rewards.append(float(segment.rewards.mean()))
        self.episode += 1
        return report, float(np.mean(rewards))

    def validation(self) -> Any:
        """The weeks on which policies are chosen."""
        return self.weeks(self.scenario)

    def policy(self) -> TorchPolicy:
        """The policy of the moment."""
        return TorchPolicy(self.network, self.decision)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training is a function of."""
        return {
            "network": self.network.state_dict(),
            "critic": self.learner.critic.state_dict(),
            "optimiser": self.learner.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "episode": self.episode,
            "best_eur": self.best_eur,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.learner.critic.load_state_dict(state["critic"])
        self.learner.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.episode, self.best_eur = state["episode"], state["best_eur"]
        self.collector.begin(first_seed(self.args), self.episode)


def _parts(args: Args, scenario: Any, generator: torch.Generator) -> Parts:
    """By the columns of the role: choices or numbers."""
    role = only_role(scenario)
    if choices_of(role):
        return masked.parts(args, scenario, role, generator)
    batch = CommunityBatch(scenario, args.communities, split="train")
    decision = chosen(args.decision, scenario)
    collector = Collector(batch, decision, args, generator)
    inputs, joint = Inputs(decision.names), len(batch.state_feature_table)
    actor = Actor(inputs.width, decision.width, args, generator)
    return Parts(collector, decision, inputs, actor, joint, Validation)


def _args(settings: Mapping[str, Any]) -> Args:
    """Settings, on top of those of the scenario's kind of columns."""
    role = only_role(load_scenario(settings.get("scenario", Args().scenario)))
    return args_from({**FAST, **settings} if choices_of(role) else settings)


def run(
    settings: Mapping[str, Any],
    folder: Path,
    minutes: float | None = None,
    tell: Tell | None = None,
) -> Path:
    """Train, or go on training, until the agent-steps or the minutes are spent.

    Args:
        settings: values by key of `Args`.
        folder: gets `policy.onnx` (best on the validation weeks), `progress.csv`, `checkpoint.pt`.
        minutes: of this call; None for as long as it takes.
        tell: called with the progress.

    Returns:
        The file of the best policy.

    Raises:
        PolicyError: wrong settings, or a folder with another training.
    """
    return drive(Training(_args(settings)), folder, minutes, tell)


def drive(
    training: Trainable, folder: Path, minutes: float | None = None, tell: Tell | None = None
) -> Path:
    """The same with a training of any kind, which has to be at its beginning."""
    args, tell = training.args, tell or _nobody
    rule = track_of(training.scenario).CARD.rule
    torch.set_num_threads(1)
    kind, settings, digest = training.kind, training.settings, training.scenario.digest
    state = checkpoint.read_checkpoint(folder, kind, settings, digest)
    if state is None:
        training.begin()
    else:
        training.restore(state)
    rows = checkpoint.read_rows(folder, training.agent_steps)
    validation = training.validation()
    tell(training.agent_steps, args.agent_steps, validation.told())
    clock = _Clock(minutes, rows[-1]["seconds"] if rows else 0.0)
    with _board(folder, training.agent_steps) as show:
        while training.agent_steps < args.agent_steps and not clock.over():
            report, reward = training.learn()
            tell(training.agent_steps, args.agent_steps, "")
            if training.episode % args.validate_every and training.agent_steps < args.agent_steps:
                continue
            saving = validation.saving_eur(training.policy())
            rows.append(_row(training, clock.seconds(), saving, reward, report))
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
        write_onnx(path, training.network, training.decision.names, training.args.decision)
    digest = training.scenario.digest
    kind, settings, state = training.kind, training.settings, training.state()
    checkpoint.write_checkpoint(folder, kind, settings, digest, state)


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
        "explained": report.explained,
        "divergence": report.moved,
        "clipped": report.cut,
        training.network.actor.told: report.explored,
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
    """Seconds of this training, over all calls, and when to stop."""

    def __init__(self, minutes: float | None, before: float) -> None:
        self.before, self.began = before, time.perf_counter()
        self.limit = float("inf") if minutes is None else 60.0 * minutes

    def seconds(self) -> float:
        return self.before + time.perf_counter() - self.began

    def over(self) -> bool:
        return time.perf_counter() - self.began >= self.limit
