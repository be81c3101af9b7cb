"""All settings of a training, in one place."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from baselines.learners.ppo.decision import KINDS
from p2p_market.errors import PolicyError

CRITICS: Final = ("mappo", "ippo")
FAST: Final[Mapping[str, Any]] = {
    "agent_steps": 4_000_000, "critic": "ippo", "decision": "plain", "communities": 64,
    "segment_h": 168.0, "epochs": 6, "minibatch": 2048, "discount_per_h": 0.99,
    "trace_per_h": 0.95, "entropy_weight": 0.003, "hidden": 128, "reward_scale": 0.001,
    "imitate": "", "first_wear": 0.0, "wear_steps": 200_000, "validate_every": 8,
}  # fmt: skip
"""What differs where a role's columns are choices."""

COUNTS: Final = (
    "agent_steps", "communities", "epochs", "minibatch", "hidden", "imitate_weeks",
    "imitate_epochs", "validate_every",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Args:
    """What a training is a function of; nothing else enters, least of all the clock."""

    scenario: str = "community-16-v0"
    """Id of a shipped scenario, or a YAML file."""
    seed: int = 0
    """Draws episodes, first weights and exploration."""
    agent_steps: int = 24_000_000
    """Length of the training in steps of single agents; the learning rate falls to 0 until then."""
    critic: str = "mappo"
    """`mappo`: values from joint state and the agent's observation. `ippo`: without the former."""
    decision: str = "around_rule"
    """`around_rule`: set-points relative to the self-consumption rule, truthful orders for the
    rest. `full`: every column of the environment's action. `plain`: the observation and every
    column as they are, the only one where columns are choices."""
    communities: int = 64
    """Communities played at the same time, each in a week of its own."""
    segment_h: float = 24.0
    """Hours played between two updates; a whole number of segments makes an episode."""
    epochs: int = 2
    """Times that each segment is learnt from."""
    minibatch: int = 1024
    """Agent-steps per gradient step."""
    learning_rate: float = 1e-3
    """Of Adam, at the beginning."""
    discount_per_h: float = 0.98
    """Weight of a reward one hour later."""
    trace_per_h: float = 0.85
    """Lambda of generalised advantage estimation, per hour."""
    clip: float = 0.2
    """How far the probability of an action may move in one update, as a ratio less one."""
    value_weight: float = 0.5
    """Of the critic's squared error beside the policy's objective."""
    entropy_weight: float = 0.0
    """Of the entropy of the exploration."""
    gradient_norm: float = 0.5
    """Longer gradients are cut to this length."""
    hidden: int = 64
    """Width of both hidden layers."""
    first_deviation: float = 0.3
    """Standard deviation of the exploration at the beginning, on outputs in [-1, 1]."""
    reward_scale: float = 10.0
    """Rewards in EUR are multiplied by it, so that what is left to win is a number of order 1."""
    memory: int = 0
    """Width of a recurrent unit that carries on what was seen; 0 = the moment alone decides."""
    imitate: str = "storage-value"
    """Who is imitated before the first update: `optimum`, or a baseline. Empty: nobody."""
    imitate_weeks: int = 32
    """Training weeks that are imitated."""
    imitate_epochs: int = 8
    """Times that they are learnt from."""
    first_wear: float = 1.0
    """Share of the degradation cost that counts at the beginning."""
    wear_steps: int = 0
    """Agent-steps after which all of it counts; 0 = half of the training."""
    shaping: float = 0.0
    """Weight of ledger entries that nobody pays, where columns are choices."""
    correction_eur_per_kwh: float = 0.0
    """Price of set-points beyond the storage's limits, on top of the scenario's."""
    community_share: float = 0.0
    """Share of the community's mean in each agent's reward; 0 = everyone learns for itself."""
    validate_every: int = 1
    """Episodes between two plays of the validation weeks (and two checkpoints)."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            PolicyError: naming the key.
        """
        for key, known in (("critic", CRITICS), ("decision", (*KINDS, "plain"))):
            if getattr(self, key) not in known:
                raise PolicyError(
                    f"unknown {key} {getattr(self, key)!r}; known: {', '.join(known)}"
                )
        for key in COUNTS:
            if getattr(self, key) < 1:
                raise PolicyError(f"{key} must be 1 or more, got {getattr(self, key)}")
        for key in ("discount_per_h", "trace_per_h", "community_share", "first_wear"):
            if not 0.0 <= getattr(self, key) <= 1.0:
                raise PolicyError(f"{key} must lie in [0, 1], got {getattr(self, key)}")
        for key in ("learning_rate", "segment_h", "reward_scale", "first_deviation", "clip"):
            if not getattr(self, key) > 0.0:
                raise PolicyError(f"{key} must be above 0, got {getattr(self, key)}")
        for key in ("seed", "memory", "correction_eur_per_kwh", "wear_steps"):
            if getattr(self, key) < 0:
                raise PolicyError(f"{key} must be 0 or more, got {getattr(self, key)}")

    def as_mapping(self) -> dict[str, Any]:
        """Plain values by key."""
        return asdict(self)


def args_from(values: Mapping[str, Any]) -> Args:
    """Args out of values by key, texts among them.

    Raises:
        PolicyError: for a key or a value that does not fit, naming the key.
    """
    types = {key: type(default) for key, default in Args().as_mapping().items()}
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key not in types:
            raise PolicyError(f"no key {key!r}; known: {', '.join(types)}")
        try:
            given[key] = types[key](value)
        except (TypeError, ValueError) as error:
            wanted = types[key].__name__
            raise PolicyError(f"{key}: {value!r} is not of type {wanted}") from error
    return Args(**given)
