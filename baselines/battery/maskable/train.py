"""`p2p-market train maskable`: sb3-contrib's MaskablePPO on many batteries at once.

It does not go on after an interruption, for the library's own checkpoints are pickles, which can
run code when they are read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecNormalize
from torch import Tensor, nn

from baselines.battery.maskable.args import Args
from baselines.battery.sb3.vec_env import BatteryVecEnv
from baselines.learners.plain import plain
from baselines.learners.ppo.learn import Report
from baselines.learners.ppo.masked import Weeks
from baselines.learners.ppo.policy import TorchPolicy
from baselines.learners.training.run import Tell, drive
from p2p_market.battery.records import LEDGER_ENTRIES, SHAPING
from p2p_market.errors import PolicyError
from p2p_market.records import FloatArray
from p2p_market.registry import load_scenario, make_batch

CLIPPED = 10.0  # observations and rewards, in standard deviations


def weights(args: Args, agent_steps: int) -> FloatArray:
    """Of each entry of the ledger in the reward, after so many agent-steps."""
    by_name = {**dict.fromkeys(SHAPING, args.shaping), "degradation": args.counted(agent_steps)}
    return np.array([by_name.get(entry, 1.0) for entry in LEDGER_ENTRIES])


class Actor(nn.Module):
    """Observations to logits, normalisation inside: what is written to a file."""

    memory = None
    told = "entropy"
    mean: Tensor
    spread: Tensor

    def __init__(self, model: MaskablePPO, normal: VecNormalize) -> None:
        """Of the moment."""
        super().__init__()
        of = normal.obs_rms
        spread = np.sqrt(of.var + normal.epsilon)
        self.register_buffer("mean", torch.tensor(of.mean, dtype=torch.float32))
        self.register_buffer("spread", torch.tensor(spread, dtype=torch.float32))
        self.body = nn.Sequential(model.policy.mlp_extractor.policy_net, model.policy.action_net)

    def inputs(self, rows: Tensor) -> Tensor:
        """Normalised inputs, as the library does it."""
        return torch.clamp((rows - self.mean) / self.spread, -CLIPPED, CLIPPED)

    def means(self, seen: Tensor) -> Tensor:
        """Logits without a mask, (..., choice)."""
        logits: Tensor = self.body(seen)
        return logits

    def forward(self, rows: Tensor, carried: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and nothing to carry on."""
        return self.means(self.inputs(rows)), carried

    def nothing(self, rows: int) -> Tensor:
        """Without columns."""
        return torch.zeros(rows, 0)

    @property
    def actor(self) -> "Actor":
        """Itself."""
        return self


class Training:
    """The library's learner and its rows; an episode is what lies between two updates."""

    kind, meaning, goes_on, alone = "maskable", "plain", False, True

    def __init__(self, args: Args) -> None:
        """Before the first step.

        Raises:
            PolicyError: if the scenario is of another track.
        """
        self.args = self.settings = args
        self.scenario = scenario = load_scenario(args.scenario)
        if scenario.spec.track != "battery":
            raise PolicyError(
                f"{args.scenario} is of the track {scenario.spec.track!r}, not 'battery'"
            )
        self.decision = plain(scenario)
        self.episode, self.best_eur = 0, -np.inf
        rows = BatteryVecEnv(make_batch(args.scenario, args.environments), seed=args.seed << 20)
        self.env = VecNormalize(rows, gamma=args.discount, clip_obs=CLIPPED, clip_reward=CLIPPED)
        self.model = MaskablePPO(
            "MlpPolicy", self.env, seed=args.seed << 20, device="cpu",
            learning_rate=args.learning_rate, n_steps=args.n_steps, batch_size=args.batch_size,
            n_epochs=args.n_epochs, gamma=args.discount, clip_range=args.clip,
            ent_coef=args.entropy_weight,
            policy_kwargs={"net_arch": {"pi": [args.hidden] * 2, "vf": [args.hidden] * 2}},
        )  # fmt: skip
        self.model.set_logger(Logger(None, []))

    @property
    def agent_steps(self) -> int:
        """Played so far."""
        return int(self.model.num_timesteps)

    @property
    def network(self) -> Any:
        """Of the moment."""
        return Actor(self.model, self.env)

    def begin(self) -> None:
        """Nothing is played before the first update."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """There is no checkpoint, so this is never called."""
        raise NotImplementedError

    def learn(self) -> tuple[Report, float]:
        """Play, and learn from it; how it went, and the mean reward as the library scales it."""
        self.env.set_attr("weights", weights(self.args, self.agent_steps))
        self.model.learn(1, reset_num_timesteps=False)
        self.episode += 1
        known = self.model.logger.name_to_value
        report = Report(
            explained=float(known["train/explained_variance"]),
            moved=float(known["train/approx_kl"]),
            cut=float(known["train/clip_fraction"]),
            explored=-float(known["train/entropy_loss"]),
        )
        return report, float(self.model.rollout_buffer.rewards.mean())

    def validation(self) -> Weeks:
        """The weeks on which policies are chosen."""
        return Weeks(self.scenario)

    def policy(self) -> TorchPolicy:
        """The policy of the moment."""
        return TorchPolicy(self.network, self.decision)

    def state(self) -> dict[str, Any]:
        """Nothing is kept."""
        return {}


def run(
    settings: Mapping[str, Any],
    folder: Path,
    minutes: float | None = None,
    tell: Tell | None = None,
) -> Path:
    """Train from the beginning.

    Args:
        settings: values by key of `Args`.
        folder: as `minutes` and `tell`, see `drive`.

    Raises:
        PolicyError: wrong settings, or a scenario of another track.
    """
    return drive(Training(Args(**settings)), folder, minutes, tell)
