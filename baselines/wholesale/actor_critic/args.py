"""All settings of a training of storages with actor and critic."""

from typing import Annotated, Any, Final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from baselines.learners.training.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
REFERENCE: Final[dict[str, Any]] = {
    "systems": 1, "agent_steps": 4_032_000, "learning_rate": 1e-3, "batch_rows": 32,
    "validate_every": 20,
}  # fmt: skip
"""Preset: 1,000 weeks of two storages, one system at a time."""


class Args(Settings):
    """What a training is a function of; nothing else enters. Defaults are the preset `fast`."""

    scenario: str = "wholesale-12-v0"
    """Id of a shipped scenario of the track, or a YAML file."""
    seed: NonNegativeInt = 0
    """Draws episodes, first weights and exploration."""
    agent_steps: PositiveInt = 4_000_000
    """Length of the training in steps of single storages."""
    systems: PositiveInt = 32
    """Weeks played at the same time."""
    repeat: PositiveInt = 6
    """Steps of five minutes for which a value holds; orders follow the last price in each."""
    batch_rows: PositiveInt = 1_344
    """Decisions in a step of Adam."""
    epochs: PositiveInt = 4
    """Times that an episode is learnt from."""
    learning_rate: PositiveFloat = 1e-3
    """Of Adam; it falls to 0 linearly."""
    discount: Share = 0.995
    """Weight of a reward one decision later."""
    trace: Share = 0.95
    """Of generalised advantage estimates."""
    clip: PositiveFloat = 0.2
    """How far the probability of an action may move in one update, as a ratio less one."""
    first_deviation: PositiveFloat = 0.3
    """Deviation of the exploration at the beginning, of an output in [-1, 1]; it falls linearly."""
    last_deviation: PositiveFloat = 0.1
    """The same at the end."""
    shaping_eur_per_mwh: NonNegativeFloat = 47.0
    """What a stored MWh counts for on the way; at the end the terminal value of the scenario."""
    reward_eur: PositiveFloat = 100.0
    """Profit that counts as 1."""
    validate_every: PositiveInt = 2
    """Episodes between two plays of the validation weeks."""
