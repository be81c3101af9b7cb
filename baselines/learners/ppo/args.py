"""All settings of a training, in one place."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from baselines.learners.ppo.decision import KINDS
from baselines.learners.training.settings import Settings, one_of

CRITICS: Final = ("mappo", "ippo")
FAST: Final[Mapping[str, Any]] = {
    "agent_steps": 4_000_000, "critic": "ippo", "decision": "plain", "communities": 64,
    "segment_h": 168.0, "epochs": 6, "minibatch": 2048, "discount_per_h": 0.99,
    "trace_per_h": 0.95, "entropy_weight": 0.003, "hidden": 128, "reward_scale": 0.001,
    "imitate": "", "first_wear": 0.0, "wear_steps": 200_000, "validate_every": 8,
}  # fmt: skip
"""What differs where a role's columns are choices."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Args(Settings):
    """What a training is a function of; nothing else enters, least of all the clock."""

    scenario: str = "community-16-v0"
    """Id of a shipped scenario, or a YAML file."""
    seed: NonNegativeInt = 0
    """Draws episodes, first weights and exploration."""
    agent_steps: PositiveInt = 24_000_000
    """Length of the training in steps of single agents; the learning rate falls to 0 until then."""
    critic: Annotated[str, one_of(*CRITICS)] = "mappo"
    """`mappo`: values from joint state and the agent's observation. `ippo`: without the former."""
    decision: Annotated[str, one_of(*KINDS, "plain")] = "around_rule"
    """`around_rule`: set-points relative to the self-consumption rule, truthful orders for the
    rest. `full`: every column of the environment's action. `around_contracting`: a row per agent,
    set-points likewise, and what it wants of agreements relative to `contracting`. `plain`: the
    observation and every column as they are, the only one where columns are choices."""
    communities: PositiveInt = 64
    """Communities played at the same time, each in a week of its own."""
    segment_h: PositiveFloat = 24.0
    """Hours played between two updates; a whole number of segments makes an episode."""
    epochs: PositiveInt = 2
    """Times that each segment is learnt from."""
    minibatch: PositiveInt = 1024
    """Agent-steps per gradient step."""
    learning_rate: PositiveFloat = 1e-3
    """Of Adam, at the beginning."""
    discount_per_h: Share = 0.98
    """Weight of a reward one hour later."""
    trace_per_h: Share = 0.85
    """Lambda of generalised advantage estimation, per hour."""
    clip: PositiveFloat = 0.2
    """How far the probability of an action may move in one update, as a ratio less one."""
    value_weight: float = 0.5
    """Of the critic's squared error beside the policy's objective."""
    entropy_weight: float = 0.0
    """Of the entropy of the exploration."""
    gradient_norm: float = 0.5
    """Longer gradients are cut to this length."""
    hidden: PositiveInt = 64
    """Width of both hidden layers."""
    first_deviation: PositiveFloat = 0.3
    """Standard deviation of the exploration at the beginning, on outputs in [-1, 1]."""
    reward_scale: PositiveFloat = 10.0
    """Rewards in EUR are multiplied by it, so that what is left to win is a number of order 1."""
    memory: NonNegativeInt = 0
    """Width of a recurrent unit that carries on what was seen; 0 = the moment alone decides."""
    imitate: str = "storage-value"
    """Who is imitated before the first update: `optimum`, or a baseline. Empty: nobody."""
    imitate_weeks: PositiveInt = 32
    """Training weeks that are imitated."""
    imitate_epochs: PositiveInt = 8
    """Times that they are learnt from."""
    first_wear: Share = 1.0
    """Share of the degradation cost that counts at the beginning."""
    wear_steps: NonNegativeInt = 0
    """Agent-steps after which all of it counts; 0 = half of the training."""
    shaping: float = 0.0
    """Weight of ledger entries that nobody pays, where columns are choices."""
    correction_eur_per_kwh: NonNegativeFloat = 0.0
    """Price of set-points beyond the storage's limits, on top of the scenario's."""
    community_share: Share = 0.0
    """Share of the community's mean in each agent's reward; 0 = everyone learns for itself."""
    validate_every: PositiveInt = 1
    """Episodes between two plays of the validation weeks (and two checkpoints)."""
    role: str = ""
    """Whose agents learn, where a scenario has several roles; all others play their rule. It needs
    columns that are choices, and is chosen by what its agents pay. Empty: the only role."""

    def as_mapping(self) -> dict[str, Any]:
        """Plain values by key; of one role nothing is said, as in older checkpoints."""
        told = super().as_mapping()
        return told if self.role else {key: told[key] for key in told if key != "role"}


def args_from(values: Mapping[str, Any]) -> Args:
    """Args out of values by key, texts among them.

    Raises:
        PolicyError: for a key or a value that does not fit, naming the key.
    """
    return Args(**values)
