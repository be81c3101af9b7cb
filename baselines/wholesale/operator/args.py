"""All settings of a training of the operator."""

from typing import Annotated, Any, Final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from baselines.learners.training.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
REFERENCE: Final[dict[str, Any]] = {
    "systems": 1, "agent_steps": 2_016_000, "learning_rate": 1e-3, "batch_rows": 32,
    "memory_rows": 10_000, "validate_every": 20,
}  # fmt: skip
"""Preset: 1,000 weeks, one system at a time."""


class Args(Settings):
    """What a training is a function of; nothing else enters. Defaults are the preset `fast`."""

    scenario: str = "wholesale-12-v0"
    """Id of a shipped scenario of the track, or a YAML file."""
    seed: NonNegativeInt = 0
    """Draws episodes, first weights and exploration."""
    agent_steps: PositiveInt = 1_560_000
    """Length of the training in steps of single operators."""
    systems: PositiveInt = 96
    """Weeks played at the same time, each with a preference of its own."""
    repeat: PositiveInt = 3
    """Steps of five minutes for which a decision holds."""
    days: NonNegativeInt = 365
    """Training days played before, by rule with random choices among them; 0: none."""
    random_share: Share = 0.2
    """Share of random choices on those days."""
    day_updates: NonNegativeInt = 3_000
    """Updates from those days alone."""
    batch_rows: PositiveInt = 512
    """Decisions in an update."""
    memory_rows: PositiveInt = 400_000
    """Decisions that are remembered."""
    updates: PositiveInt = 1
    """Updates after each decision."""
    learning_rate: PositiveFloat = 1e-3
    """Of Adam; it falls to 0 linearly."""
    discount: Share = 0.9
    """Weight of a reward one decision later; values that look farther ahead were worse."""
    first_random: Share = 0.3
    """Share of random choices at the beginning; it falls linearly."""
    last_random: Share = 0.02
    """The same at the end."""
    follow: Share = 0.01
    """Share by which the target network moves towards the learning one in an update."""
    margin_eur: NonNegativeFloat = 30.0
    """By which a choice must be worth more than the default rule's to be preferred to it."""
    stability: NonNegativeFloat = 0.0
    """Preference that is written to the file: weight of deviations beyond their price."""
    cost: NonNegativeFloat = 1.0
    """Weight of the social cost."""
    environment: NonNegativeFloat = 0.0
    """Weight of emissions beyond their price."""
    reward_eur: PositiveFloat = 100.0
    """Cost that counts as 1."""
    validate_every: PositiveInt = 2
    """Episodes between two plays of the validation weeks."""
