"""`p2p-market train maskable`: sb3-contrib's MaskablePPO on many batteries at once.

It does not go on after an interruption, for the library's own checkpoints are pickles, which can
run code when they are read.
"""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize
from tensorboardX import SummaryWriter
from torch import Tensor, nn

from baselines.battery.maskable.args import Args, args_from
from baselines.battery.sb3.vec_env import BatteryVecEnv
from baselines.learners.onnx_policy.policy import from_file
from baselines.learners.plain import plain
from baselines.learners.ppo.checkpoint import POLICY, Row, write_rows
from baselines.learners.ppo.export import write_onnx
from baselines.learners.ppo.masked import Weeks
from baselines.learners.ppo.verdicts import verdicts
from p2p_market.battery.records import LEDGER_ENTRIES, SHAPING
from p2p_market.battery.scenario import Scenario
from p2p_market.errors import PolicyError
from p2p_market.records import FloatArray
from p2p_market.registry import load_scenario, make_batch

CLIPPED = 10.0  # observations and rewards, in standard deviations
Tell = Callable[[int, int, str], None]


def weights(args: Args, agent_steps: int) -> FloatArray:
    """Of each entry of the ledger in the reward, after so many agent-steps."""
    by_name = {**dict.fromkeys(SHAPING, args.shaping), "degradation": args.counted(agent_steps)}
    return np.array([by_name.get(entry, 1.0) for entry in LEDGER_ENTRIES])


class Actor(nn.Module):
    """Observations to logits, normalisation inside: what is written to a file."""

    memory = None
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

    @property
    def actor(self) -> "Actor":
        """Itself."""
        return self


class Watch(BaseCallback):  # type: ignore[misc]
    """Before each time of play: how much wear counts, and now and then the validation weeks."""

    def __init__(self, args: Args, scenario: Scenario, folder: Path, tell: Tell) -> None:
        """Nothing has been played."""
        super().__init__()
        self.args, self.scenario, self.folder, self.told = args, scenario, folder, tell
        self.end = np.inf  # on the clock `time.perf_counter`
        self.weeks, self.began = Weeks(scenario), time.perf_counter()
        self.rows: list[Row] = []
        self.best_eur, self.updates = -np.inf, 0

    def _on_rollout_start(self) -> None:
        self.training_env.set_attr("weights", weights(self.args, self.num_timesteps))
        if self.num_timesteps:
            self.updates += 1
            self.told(self.num_timesteps, self.args.agent_steps, "")
            if self.updates % self.args.validate_every == 0:
                self._validate()

    def _on_step(self) -> bool:
        return time.perf_counter() < self.end

    def _on_training_end(self) -> None:
        self._validate()
        for line in verdicts(self.rows):
            self.told(self.num_timesteps, self.args.agent_steps, line)

    def _validate(self) -> None:
        """Play the file of this moment, which stays if it is the best so far."""
        path = self.folder / f"now-{POLICY}"
        actor = Actor(self.model, self.training_env)
        write_onnx(path, actor, plain(self.scenario).names, "plain")
        saving = self.weeks.saving_eur(from_file(self.scenario, str(path)))
        if saving > self.best_eur:
            self.best_eur = saving
            path.replace(self.folder / POLICY)
        path.unlink(missing_ok=True)
        for name, value in self.weeks.shown.items():
            self.logger.record(name, value)
        known = self.logger.name_to_value
        self.rows.append({
            "agent_steps": self.num_timesteps,
            "seconds": time.perf_counter() - self.began,
            "validation_saving_eur": saving,
            "explained": known.get("train/explained_variance", np.nan),
            "divergence": known.get("train/approx_kl", np.nan),
            "clipped": known.get("train/clip_fraction", np.nan),
            "entropy": -known.get("train/entropy_loss", np.nan),
        })  # fmt: skip
        write_rows(self.folder, self.rows)
        line = f"{saving:10.2f} EUR per validation week after {self.num_timesteps} agent-steps"
        self.told(self.num_timesteps, self.args.agent_steps, line)


class Board(KVWriter):  # type: ignore[misc]
    """What the library logs, in TensorBoard."""

    def __init__(self, folder: Path) -> None:
        """Into a folder."""
        self.writer = SummaryWriter(str(folder))

    def write(
        self, key_values: dict[str, Any], key_excluded: dict[str, Any], step: int = 0
    ) -> None:
        """The numbers of one step."""
        for key, value in key_values.items():
            if isinstance(value, float | int | np.number):
                self.writer.add_scalar(key, value, step)

    def close(self) -> None:
        """Write what is left."""
        self.writer.close()


def run(
    settings: Mapping[str, Any],
    folder: Path,
    minutes: float | None = None,
    tell: Tell | None = None,
) -> Path:
    """Train until the agent-steps or the minutes are spent.

    Args:
        settings: values by key of `Args`.
        folder: gets `policy.onnx` (best on the validation weeks) and `progress.csv`.
        minutes: of this call; None for as long as it takes.
        tell: called with the progress.

    Returns:
        The file of the best policy.

    Raises:
        PolicyError: wrong settings, or a scenario of another track.
    """
    args = args_from(settings)
    scenario = load_scenario(args.scenario)
    if scenario.spec.track != "battery":
        raise PolicyError(f"{args.scenario} is of the track {scenario.spec.track!r}, not 'battery'")
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    batch = make_batch(args.scenario, args.environments)
    rows = VecMonitor(BatteryVecEnv(batch, seed=args.seed << 20))
    env = VecNormalize(rows, gamma=args.discount, clip_obs=CLIPPED, clip_reward=CLIPPED)
    model = MaskablePPO(
        "MlpPolicy", env, seed=args.seed << 20, device="cpu",
        learning_rate=args.learning_rate, n_steps=args.n_steps, batch_size=args.batch_size,
        n_epochs=args.n_epochs, gamma=args.discount, clip_range=args.clip,
        ent_coef=args.entropy_weight,
        policy_kwargs={"net_arch": {"pi": [args.hidden] * 2, "vf": [args.hidden] * 2}},
    )  # fmt: skip
    board = Board(folder / "tensorboard")
    model.set_logger(Logger(None, [board]))
    watch = Watch(args, scenario, folder, tell or _nobody)
    if minutes is not None:
        watch.end = time.perf_counter() + 60.0 * minutes
    model.learn(args.agent_steps, callback=watch)
    board.close()
    return folder / POLICY


def _nobody(done: int, total: int, line: str) -> None:
    """Told, and silent."""
