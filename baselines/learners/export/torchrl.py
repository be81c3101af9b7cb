"""Actors of TorchRL: what they play under `ExplorationType.DETERMINISTIC`."""

from copy import deepcopy
from typing import Any, Final

from tensordict import TensorDict
from torch import Tensor, nn
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules.models.multiagent import MultiAgentNetBase

from baselines.learners.export.target import Target
from p2p_market.errors import PolicyError

LOGITS: Final = ("logits", "probs")
"""Last words of the keys that choices are drawn by."""


class Deterministic(nn.Module):
    """The mode of an actor, for rows of single agents."""

    def __init__(self, actor: Any, seen: Any, done: Any) -> None:
        """By its keys.

        Args:
            seen: key of what is observed.
            done: key of what is put out.
        """
        super().__init__()
        self.actor, self.seen, self.done = _alone(deepcopy(actor)), seen, done

    def forward(self, rows: Tensor) -> Tensor:
        """Actions, or logits of choices."""
        with set_exploration_type(ExplorationType.DETERMINISTIC):
            found: Tensor = self.actor(TensorDict({self.seen: rows}, batch_size=[]))[self.done]
        return found.log() if _last(self.done) == "probs" else found


def read(policy: Any, target: Target, options: Any) -> tuple[nn.Module, Target, int]:
    """The network of an actor.

    Raises:
        PolicyError: if something of it cannot be exported.
    """
    seen = list(getattr(policy, "in_keys", ()))
    if len(seen) != 1:
        raise PolicyError(
            f"asks for {', '.join(map(_name, seen)) or 'nothing'}; an actor asks for one key, what "
            "an agent observes"
        )
    words = ("action",) if target.numbers else LOGITS
    done = [key for word in words for key in policy.out_keys if _last(key) == word]
    if not done:
        raise PolicyError(
            f"puts out {', '.join(map(_name, policy.out_keys))}; needed is {' or '.join(words)}"
        )
    return Deterministic(policy, seen[0], done[0]), target, 0


def _alone(policy: nn.Module) -> nn.Module:
    """The same with the shared network of all agents in place of what asks it for all."""
    for name, part in policy.named_children():
        if isinstance(part, MultiAgentNetBase):
            if part.centralized or not part.share_params:
                wrong = "centralized" if part.centralized else "a network for each agent"
                raise PolicyError(
                    f"{type(part).__name__}: is {wrong}; a file is one network, which each agent "
                    "plays alone: train with centralized=False and share_params=True"
                )
            setattr(policy, name, part.get_stateful_net())
        else:
            _alone(part)
    return policy


def _last(key: Any) -> str:
    return str(key[-1] if isinstance(key, tuple) else key)


def _name(key: Any) -> str:
    return ".".join(key) if isinstance(key, tuple) else str(key)
