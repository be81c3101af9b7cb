"""All settings of a training of consumers with MADDPG."""

from typing import Annotated, Any, Final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from baselines.learners.training.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
REFERENCE: Final[dict[str, Any]] = {
    "systems": 1, "agent_steps": 6_048_000, "learning_rate": 1e-3, "batch_rows": 32,
    "memory_rows": 10_000, "validate_every": 20,
}  # fmt: skip
"""Preset: 1,000 weeks of three consumers, one system at a time."""


class Args(Settings):
    """What a training is a function of; nothing else enters. Defaults are the preset `fast`."""

    scenario: str = "wholesale-12-v0"
    """Id of a shipped scenario of the track, or a YAML file."""
    seed: NonNegativeInt = 0
    """Draws episodes, first weights and exploration."""
    agent_steps: PositiveInt = 1_350_000
    """Length of the training in steps of single consumers."""
    systems: PositiveInt = 16
    """Weeks played at the same time."""
    repeat: PositiveInt = 3
    """Steps of five minutes for which a price holds."""
    days: NonNegativeInt = 365
    """Training days played before, at the first price with random ones among them; 0: none."""
    random_share: Share = 0.2
    """Share of random prices, on those days and later."""
    day_updates: NonNegativeInt = 2_000
    """Updates of the critic from those days alone."""
    batch_rows: PositiveInt = 256
    """Systems in an update, all consumers of each."""
    memory_rows: PositiveInt = 60_000
    """Decisions of a system that are remembered."""
    updates: PositiveInt = 1
    """Updates after each decision."""
    learning_rate: PositiveFloat = 5e-4
    """Of Adam, of actor and critic; it falls to 0 linearly."""
    discount: Share = 0.97
    """Weight of a reward one decision later."""
    first_deviation: PositiveFloat = 0.06
    """Deviation of the exploration at the beginning, of an output in [0, 1]; it falls linearly."""
    last_deviation: PositiveFloat = 0.02
    """The same at the end."""
    follow: Share = 0.01
    """Share by which target networks move towards the learning ones in an update."""
    first_price_eur_per_mwh: PositiveFloat = 80.0
    """The actor begins here, at a level above 20 and below 120: the rule's dear price."""
    waiting_eur_per_mwh: NonNegativeFloat = 60.0
    """What deferred energy counts for on the way; at the end what the scenario says."""
    reward_eur: PositiveFloat = 10.0
    """Saving that counts as 1."""
    validate_every: PositiveInt = 2
    """Episodes between two plays of the validation weeks."""
