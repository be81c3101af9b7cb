"""Policies of Stable-Baselines3 and sb3-contrib: what `predict(..., deterministic=True)` plays."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from stable_baselines3.common.save_util import load_from_zip_file
from stable_baselines3.common.vec_env import VecNormalize, unwrap_vec_wrapper
from torch import Tensor, nn

from baselines.learners.export.target import Normal, Target, check_spaces
from p2p_market.errors import PolicyError

HARMLESS: Final = {
    "VecNormalize", "VecMonitor", "VecCheckNan", "Monitor", "TimeLimit", "OrderEnforcing",
    "PassiveEnvChecker", "ActionMasker",
}  # fmt: skip
"""Wrappers that leave observations and actions as they are, or are exported."""


class ActorCritic(nn.Module):
    """The mode of PPO and A2C: means, or logits of choices."""

    def __init__(self, policy: Any, squash: bool) -> None:
        """Of an `ActorCriticPolicy` or one with masks."""
        super().__init__()
        self.policy, self.squash = policy, squash

    def forward(self, rows: Tensor) -> Tensor:
        """Means or logits."""
        own = self.policy
        seen = own.pi_features_extractor(rows)
        outputs: Tensor = own.action_net(own.mlp_extractor.forward_actor(seen))
        return outputs.tanh() if self.squash else outputs


class Recurrent(nn.Module):
    """The same of RecurrentPPO; its state is the hidden and cell states of all layers."""

    def __init__(self, policy: Any, squash: bool) -> None:
        """Of a `RecurrentActorCriticPolicy`."""
        super().__init__()
        self.policy, self.squash = policy, squash
        layers, _, width = policy.lstm_hidden_state_shape
        self.layers, self.width = layers, width
        self.numbers = 2 * layers * width

    def forward(self, rows: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Means or logits, and the next state, (row, number)."""
        own = self.policy
        seen = own.pi_features_extractor(rows).unsqueeze(0)
        parts = torch.split(state, self.width, dim=1)
        hidden, cells = (torch.stack(each) for each in (parts[: self.layers], parts[self.layers :]))
        found, (hidden, cells) = own.lstm_actor(seen, (hidden, cells))
        outputs = own.action_net(own.mlp_extractor.forward_actor(found.squeeze(0)))
        later = [each[layer] for each in (hidden, cells) for layer in range(self.layers)]
        return (outputs.tanh() if self.squash else outputs), torch.cat(later, dim=1)


class Actor(nn.Module):
    """The mode of SAC and TQC, within [-1, 1]."""

    def __init__(self, actor: Any) -> None:
        """Of an `Actor` with a mean."""
        super().__init__()
        self.actor = actor

    def forward(self, rows: Tensor) -> Tensor:
        """Means, squashed."""
        own = self.actor
        seen = own.features_extractor(rows)
        outputs: Tensor = own.mu(own.latent_pi(seen)).tanh()
        return outputs


class Deterministic(nn.Module):
    """TD3 and DDPG, within [-1, 1] already."""

    def __init__(self, actor: Any) -> None:
        """Of an `Actor` of TD3."""
        super().__init__()
        self.actor = actor

    def forward(self, rows: Tensor) -> Tensor:
        """Actions."""
        outputs: Tensor = self.actor.mu(self.actor.features_extractor(rows))
        return outputs


class Values(nn.Module):
    """DQN: the value of each choice."""

    def __init__(self, network: Any) -> None:
        """Of a `QNetwork`."""
        super().__init__()
        self.network = network

    def forward(self, rows: Tensor) -> Tensor:
        """Values."""
        own = self.network
        outputs: Tensor = own.q_net(own.features_extractor(rows))
        return outputs


def read(policy: Any, target: Target, options: Any) -> tuple[nn.Module, Target, int]:
    """The network of a model, a policy, or the zip of a model.

    Raises:
        PolicyError: if something of it cannot be exported.
    """
    normalize = options["normalize"]
    if isinstance(policy, str | Path):
        own, behind = _from_zip(Path(policy))
        if behind and normalize is None:
            raise PolicyError(
                f"{policy}: was trained behind VecNormalize, whose statistics are in another "
                "file; name it with normalize (--normalize)"
            )
    else:
        own = getattr(policy, "policy", policy)
        if normalize is None:
            normalize = _normalization(policy)
    check_spaces(target, own.observation_space, own.action_space)
    if normalize is not None:
        target = replace(target, before=(*target.before, _normal(normalize, own)))
    network = _network(own)
    return network, target, getattr(network, "numbers", 0)


def _network(policy: Any) -> nn.Module:
    kinds = {each.__name__ for each in type(policy).__mro__}
    if "RecurrentActorCriticPolicy" in kinds:
        return Recurrent(policy, policy.squash_output)
    if kinds & {"ActorCriticPolicy", "MaskableActorCriticPolicy"}:
        return ActorCritic(policy, policy.squash_output)
    if kinds & {"SACPolicy", "TQCPolicy"}:
        return Actor(policy.actor)
    if "TD3Policy" in kinds:
        return Deterministic(policy.actor)
    if "DQNPolicy" in kinds:
        return Values(policy.q_net)
    raise PolicyError(
        f"{type(policy).__name__}: is not exported; known are PPO, A2C, SAC, TD3, DDPG and DQN, "
        "MaskablePPO, RecurrentPPO and TQC. Export its network as a module of torch"
    )


def _normalization(model: Any) -> Any:
    """The `VecNormalize` that a model was trained behind.

    Raises:
        PolicyError: if it was trained behind a wrapper that is not exported.
    """
    env = getattr(model, "env", None)
    layer, inside = env, []
    while layer is not None:
        inside.append(type(layer).__name__)
        if hasattr(layer, "envs"):  # of a plain vector: the wrappers of its first environment
            layer = layer.envs[0]
        elif hasattr(layer, "venv"):
            layer = layer.venv
        else:
            layer = getattr(layer, "env", None)
    wrapping = [name for name in inside[:-1] if "Frame" in name or "Normalize" in name]
    if other := [name for name in wrapping if name not in HARMLESS]:
        raise PolicyError(f"was trained behind {other[0]}, which is not exported; train without it")
    return None if env is None else unwrap_vec_wrapper(env, VecNormalize)


def _normal(given: Any, policy: Any) -> nn.Module:
    """The normalisation of observations by a `VecNormalize` or its file."""
    if isinstance(given, str | Path):
        with Path(given).open("rb") as file:
            given = pickle.load(file)
    if not isinstance(given, VecNormalize):
        raise PolicyError(f"normalize: {type(given).__name__} is no VecNormalize")
    if not given.norm_obs:
        return nn.Identity()
    mean, variance = given.obs_rms.mean, given.obs_rms.var
    if mean.shape != policy.observation_space.shape:
        raise PolicyError(
            f"normalize: is of {mean.shape} numbers, not {policy.observation_space.shape}"
        )
    return Normal(mean, np.sqrt(variance + given.epsilon), given.clip_obs)


def _from_zip(path: Path) -> tuple[Any, bool]:
    """The policy in a zip, of whatever algorithm, and whether it saw normalised observations."""
    try:
        data, weights, _ = load_from_zip_file(path, device="cpu")
        assert data is not None
        kind, told = data["policy_class"], data["policy_kwargs"]
        if data.get("use_sde"):
            told = {**told, "use_sde": True}
        own = kind(data["observation_space"], data["action_space"], lambda _: 0.0, **told)
        own.load_state_dict(weights["policy"])
    except (AssertionError, KeyError, ValueError, RuntimeError) as error:
        raise PolicyError(f"{path}: is no model that Stable-Baselines3 saved ({error})") from error
    on_policy = "n_steps" in data and "replay_buffer_class" not in data
    return own, on_policy and data.get("_last_original_obs") is not None
