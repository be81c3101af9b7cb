"""All settings of a training with MaskablePPO."""

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from baselines.learners.training.settings import Settings


class Args(Settings):
    """What a training is a function of; nothing else enters."""

    scenario: str = "battery-146-v0"
    """Id of a shipped scenario, or a YAML file."""
    seed: NonNegativeInt = 0
    """Draws episodes, first weights and exploration."""
    agent_steps: PositiveInt = 3_000_000
    """Length of the training in steps of single batteries."""
    environments: PositiveInt = 8
    """Fleets played at the same time, each in a week of its own."""
    n_steps: PositiveInt = 2048
    """Steps of each of them between two updates."""
    batch_size: PositiveInt = 256
    """Steps per gradient step."""
    n_epochs: PositiveInt = 10
    """Times that what was played is learnt from."""
    learning_rate: PositiveFloat = 1e-4
    """Of Adam."""
    entropy_weight: NonNegativeFloat = 0.03
    """Of the entropy of the exploration."""
    discount: PositiveFloat = 0.99
    """Weight of a reward one step later."""
    clip: PositiveFloat = 0.2
    """How far the probability of an action may move in one update, as a ratio less one."""
    hidden: PositiveInt = 256
    """Width of both hidden layers, of actor and critic each."""
    first_wear: NonNegativeFloat = 0.0
    """Share of the degradation cost that counts in the reward at the beginning."""
    wear_steps: PositiveInt = 500_000
    """Agent-steps after which all of it counts."""
    shaping: NonNegativeFloat = 1.0
    """Weight of ledger entries that nobody pays."""
    validate_every: PositiveInt = 4
    """Updates between two plays of the validation weeks."""

    def counted(self, agent_steps: int) -> float:
        """Share of the wear that counts after so many agent-steps."""
        return self.first_wear + (1.0 - self.first_wear) * min(1.0, agent_steps / self.wear_steps)
