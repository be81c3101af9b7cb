"""All settings of a training of generators with DQN."""

from typing import Annotated, Any, Final

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from baselines.learners.training.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
REFERENCE: Final[dict[str, Any]] = {
    "systems": 1, "agent_steps": 12_096_000, "learning_rate": 1e-3, "batch_rows": 32,
    "memory_rows": 10_000, "discount": 0.99, "validate_every": 20,
}  # fmt: skip
"""Preset: 1,000 weeks of six units, one system at a time."""


class Args(Settings):
    """What a training is a function of; nothing else enters. Defaults are the preset `fast`."""

    scenario: str = "wholesale-12-v0"
    """Id of a shipped scenario of the track, or a YAML file."""
    seed: NonNegativeInt = 0
    """Draws episodes, first weights and exploration."""
    unit: str = ""
    """The only unit that learns, such as coal_0, while the others bid their cost; "": all learn."""
    agent_steps: PositiveInt = 1_200_000
    """Length of the training in steps of single units."""
    systems: PositiveInt = 16
    """Weeks played at the same time."""
    repeat: PositiveInt = 1
    """Steps for which a decision holds."""
    days: NonNegativeInt = 365
    """Training days played before, by rule with random bids among them; 0: none."""
    random_share: Share = 0.2
    """Share of random bids on those days."""
    day_updates: NonNegativeInt = 4_000
    """Updates from those days alone."""
    batch_rows: PositiveInt = 256
    """Transitions per kind of unit in an update."""
    memory_rows: PositiveInt = 120_000
    """Transitions that are remembered."""
    updates: PositiveInt = 1
    """Updates after each decision."""
    learning_rate: PositiveFloat = 5e-4
    """Of Adam; it falls to 0 linearly."""
    discount: Share = 0.9
    """Weight of a reward one decision later."""
    first_random: Share = 0.3
    """Share of random bids at the beginning; it falls linearly."""
    last_random: Share = 0.02
    """Share of random bids at the end."""
    follow: Share = 0.01
    """Share by which the target network moves towards the learning one in an update."""
    reward_eur: PositiveFloat = 100.0
    """Profit that counts as 1."""
    validate_every: PositiveInt = 2
    """Episodes between two plays of the validation weeks."""
