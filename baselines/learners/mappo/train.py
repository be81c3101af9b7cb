"""MAPPO and IPPO with RLlib from the first episode to the last: `p2p-market train mappo`.

Everything but playing and learning is shared with the trainer `ppo`: what an agent sees, what its
outputs mean, what it earns, networks, validation, log, checkpoint and file of the policy.
"""

import logging
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from ray.exceptions import RayError
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_OPTIMIZER, COMPONENT_RL_MODULE
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, EPISODE_RETURN_MEAN, LEARNER_RESULTS

from baselines.learners.mappo.algorithm import RESUME, configuration
from baselines.learners.mappo.module import SHARED
from baselines.learners.mappo.settings import Settings, settings_from
from baselines.learners.mappo.sight import Sight, remembered, survey
from baselines.learners.plain import role_for
from baselines.learners.ppo.collect import segment_steps
from baselines.learners.ppo.imitate import imitate, lessons
from baselines.learners.ppo.learn import Report
from baselines.learners.ppo.masked import choices_of
from baselines.learners.ppo.network import Actor
from baselines.learners.ppo.policy import Network, TorchPolicy, Validation
from baselines.learners.training.run import Tell, drive
from p2p_market.errors import ClusterError, PolicyError
from p2p_market.evaluation.running.cluster import LOCAL, connected
from p2p_market.evaluation.running.processes import processors
from p2p_market.registry import load_scenario

LEARNT: Final = [
    f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}",
    f"{COMPONENT_LEARNER}/{COMPONENT_OPTIMIZER}",
]
"""Parts of RLlib's state that a training goes on from."""


class Training:
    """RLlib's algorithm and what it is shown; nothing is started before `begin` or `restore`."""

    kind = "mappo"
    goes_on = True
    alone = False

    def __init__(self, settings: Settings) -> None:
        """Before the first episode.

        Raises:
            PolicyError: if the segments do not make whole episodes, or columns are choices.
        """
        self.settings, self.args, self.meaning = settings, settings.args, settings.args.decision
        self.scenario = load_scenario(self.args.scenario)
        if choices_of(role_for(self.scenario)):
            raise PolicyError(
                f"{self.args.scenario}: the trainer 'mappo' learns numbers, and here are choices; "
                "take 'ppo'"
            )
        self.segments = self.scenario.steps // segment_steps(self.args, self.scenario)
        self.episode, self.best_eur = 0, -np.inf
        agents = self.args.communities * len(self.scenario.agents)
        self.episode_agent_steps = agents * self.scenario.steps
        self.sight: Sight
        self.actor: Actor
        self.network: Network
        self.algorithm: Any = None
        self.open = ExitStack()

    @property
    def decision(self) -> Any:
        """What outputs mean."""
        return self.sight.decision

    @property
    def agent_steps(self) -> int:
        """Played so far, the first episode included, in which nothing is learnt."""
        return int(self.episode * self.episode_agent_steps)

    def begin(self) -> None:
        """Play the first episode by rule and at random; freeze the normalisation of inputs."""
        self.sight = survey(self.scenario, self.args)
        self.episode = 1
        self._start()
        if self.args.imitate:
            self._imitate()

    def learn(self) -> tuple[Report, float]:
        """Play and learn from one episode; a report, and the mean reward.

        Raises:
            ClusterError: if a process was lost.
        """
        try:
            for _ in range(self.segments):
                result = self.algorithm.train()
        except RayError as error:
            raise ClusterError(f"the cluster lost a process ({error}); {RESUME}") from error
        self.episode += 1
        self._fetch()
        deviation = float(self.actor.log_deviation.detach().exp().mean())
        explained = float(result[LEARNER_RESULTS][SHARED]["vf_explained_var"])
        rows = self.scenario.steps * len(self.decision.owners)
        reward = float(result[ENV_RUNNER_RESULTS][EPISODE_RETURN_MEAN]) / rows
        return Report(explained, *self._moved(), deviation), reward

    def validation(self) -> Validation:
        """The weeks on which policies are chosen."""
        return Validation(self.scenario)

    def policy(self) -> TorchPolicy:
        """The policy of the moment."""
        return TorchPolicy(self.network, self.decision)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training is a function of."""
        learnt = self.algorithm.learner_group.get_state(components=LEARNT)[COMPONENT_LEARNER]
        return {
            "sight": self.sight.state(),
            "learnt": _plain({key: learnt[key] for key in (_name(part) for part in LEARNT)}),
            "episode": self.episode,
            "best_eur": float(self.best_eur),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.sight = remembered(self.scenario, self.args, state["sight"])
        self.episode, self.best_eur = state["episode"], state["best_eur"]
        self._start()
        self.algorithm.learner_group.set_state({COMPONENT_LEARNER: state["learnt"]})
        self._share()
        self._fetch()

    def stop(self) -> None:
        """End what was started."""
        if self.algorithm is not None:
            self.algorithm.stop()
        self.open.close()

    def _start(self) -> None:
        """Ray, the algorithm, and a network of our own with its first weights."""
        cluster = self.settings.cluster
        wanted = 1 + cluster.env_runners + cluster.learners
        at_most = max(processors(), wanted) if cluster.ray == LOCAL else 0
        self.open.enter_context(connected(cluster.ray, at_most))
        seed = np.random.SeedSequence([self.args.seed, self.episode]).generate_state(1)[0]
        logging.getLogger("ray.rllib").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # RLlib's, about itself
            config = configuration(self.sight, cluster, int(seed) >> 1, self._left())
            self.algorithm = config.build_algo()
        torch.set_num_threads(1)
        spare = torch.Generator()
        self.actor = Actor(self.sight.inputs.width, self.decision.width, self.args, spare)
        self.network = Network(self.sight.inputs, self.actor)
        self._share()
        self._fetch()

    def _imitate(self) -> None:
        """Give the learners an actor that an expert has taught."""
        taught = lessons(self.scenario, self.decision, self.args)
        generator = torch.Generator().manual_seed(self.args.seed)
        imitate(self.sight.inputs, self.actor, taught, self.args, generator)
        weights = self.algorithm.learner_group.get_weights([SHARED])[SHARED]
        for key, value in self.actor.state_dict().items():
            weights[f"actor.{key}"] = value.numpy().copy()
        self.algorithm.learner_group.set_weights({SHARED: weights})
        self._share()

    def _moved(self) -> tuple[float, float]:
        """What the last update did; RLlib does not tell, so it is known for batches only."""
        if self.settings.cluster.path == "batched":
            moved: tuple[float, float] = self.algorithm.moved(self.actor)
            return moved
        return float("nan"), float("nan")

    def _left(self) -> float:
        """Share of the training that RLlib has still to count."""
        if self.settings.cluster.path == "batched":
            return 1.0
        learnt = (self.episode - 1) * self.episode_agent_steps
        return float(max(0.0, 1.0 - learnt / self.args.agent_steps))

    def _share(self) -> None:
        """Bring the learners' weights and the number of the segment to whoever plays."""
        group = self.algorithm.learner_group
        if self.settings.cluster.path == "batched":
            self.algorithm.segment = (self.episode - 1) * self.segments
            self.algorithm.share_weights()
        else:
            self.algorithm.env_runner_group.sync_weights(
                from_worker_or_learner_group=group, inference_only=True
            )

    def _fetch(self) -> None:
        """Take the actor's weights over from the learners."""
        weights = self.algorithm.learner_group.get_weights([SHARED])[SHARED]
        own = {key: value for key, value in weights.items() if key.startswith("actor.")}
        self.actor.load_state_dict(
            {key.removeprefix("actor."): torch.as_tensor(value) for key, value in own.items()}
        )


def _name(component: str) -> str:
    return component.partition("/")[2]


def _plain(value: Any) -> Any:
    """Tensors and plain values only, so that a checkpoint cannot run code when it is read."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    return value.item() if isinstance(value, np.generic) else value


def run(
    settings: Mapping[str, Any],
    folder: Path,
    minutes: float | None = None,
    tell: Tell | None = None,
) -> Path:
    """Train, or go on training.

    Args:
        settings: values by key of `Args` and `Cluster`.
        folder: as `minutes` and `tell`, see `drive`.

    Raises:
        PolicyError: wrong settings, or a folder with another training.
        ClusterError: if Ray is not available.
    """
    training = Training(settings_from(settings))
    try:
        return drive(training, folder, minutes, tell)
    finally:
        training.stop()
