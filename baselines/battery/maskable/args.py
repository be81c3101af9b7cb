"""All settings of a training with MaskablePPO."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from p2p_market.errors import PolicyError


@dataclass(frozen=True, slots=True)
class Args:
    """What a training is a function of; nothing else enters."""

    scenario: str = "battery-146-v0"
    """Id of a shipped scenario, or a YAML file."""
    seed: int = 0
    """Draws episodes, first weights and exploration."""
    agent_steps: int = 3_000_000
    """Length of the training in steps of single batteries."""
    environments: int = 8
    """Fleets played at the same time, each in a week of its own."""
    n_steps: int = 2048
    """Steps of each of them between two updates."""
    batch_size: int = 256
    """Steps per gradient step."""
    n_epochs: int = 10
    """Times that what was played is learnt from."""
    learning_rate: float = 1e-4
    """Of Adam."""
    entropy_weight: float = 0.03
    """Of the entropy of the exploration."""
    discount: float = 0.99
    """Weight of a reward one step later."""
    clip: float = 0.2
    """How far the probability of an action may move in one update, as a ratio less one."""
    hidden: int = 256
    """Width of both hidden layers, of actor and critic each."""
    first_wear: float = 0.0
    """Share of the degradation cost that counts in the reward at the beginning."""
    wear_steps: int = 500_000
    """Agent-steps after which all of it counts."""
    shaping: float = 1.0
    """Weight of ledger entries that nobody pays."""
    validate_every: int = 4
    """Updates between two plays of the validation weeks."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            PolicyError: naming the key.
        """
        for key, value in asdict(self).items():
            if key not in ("scenario", "seed", "shaping", "first_wear", "entropy_weight"):
                if not value > 0:
                    raise PolicyError(f"{key} must be above 0, got {value}")
            elif key != "scenario" and value < 0:
                raise PolicyError(f"{key} must be 0 or more, got {value}")

    def counted(self, agent_steps: int) -> float:
        """Share of the wear that counts after so many agent-steps."""
        return self.first_wear + (1.0 - self.first_wear) * min(1.0, agent_steps / self.wear_steps)


def args_from(values: Mapping[str, Any]) -> Args:
    """Args out of values by key, texts among them.

    Raises:
        PolicyError: for a key or a value that does not fit, naming the key.
    """
    types = {key: type(default) for key, default in asdict(Args()).items()}
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key not in types:
            raise PolicyError(f"no key {key!r}; known: {', '.join(types)}")
        try:
            given[key] = types[key](value)
        except (TypeError, ValueError) as error:
            raise PolicyError(f"{key}: {value!r} is not of type {types[key].__name__}") from error
    return Args(**given)
