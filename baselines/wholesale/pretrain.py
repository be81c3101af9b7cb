"""Pre-training: 365 training days into memory, then updates from them alone.

`python -m baselines.wholesale.pretrain` does it for generators, consumers and the operator, writes
a policy of each, and says what it is worth on the validation weeks. Each training begins so by
itself.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from baselines.learners.ppo.export import write_onnx
from baselines.wholesale.actor_critic.args import Args as StorageArgs
from baselines.wholesale.actor_critic.train import Storages
from baselines.wholesale.dqn.args import Args as DqnArgs
from baselines.wholesale.dqn.train import Generators
from baselines.wholesale.learners.training import Training
from baselines.wholesale.maddpg.args import Args as MaddpgArgs
from baselines.wholesale.maddpg.train import Consumers
from baselines.wholesale.operator.args import Args as OperatorArgs
from baselines.wholesale.operator.train import Operator
from p2p_market.commands.console import complaining, console

KINDS: Final[Mapping[str, tuple[Any, Any]]] = {
    "generator": (Generators, DqnArgs),
    "storage": (Storages, StorageArgs),
    "consumer": (Consumers, MaddpgArgs),
    "operator": (Operator, OperatorArgs),
}
"""Role -> its training and settings."""
REMEMBERING: Final = ("generator", "consumer", "operator")
"""Roles whose learners have a memory; a storage's learns from what it plays at the moment."""


def begun(role: str, settings: Mapping[str, Any]) -> Training:
    """A training of a role before its first episode: the days are remembered and learnt from.

    Raises:
        PolicyError: wrong settings, or a scenario of another track.
    """
    kind, args = KINDS[role]
    training: Training = kind(args(**settings))
    training.begin()
    return training


def pretrain(
    scenario: Annotated[str, typer.Option("--scenario", "-s")] = "wholesale-12-v0",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    days: Annotated[int, typer.Option(min=1)] = 365,
    output: Annotated[Path, typer.Option("--output", "-o")] = Path("results/pretrained"),
) -> None:
    """Learn from training days alone, and write a policy per role."""
    with complaining():
        for role in REMEMBERING:
            training = begun(role, {"scenario": scenario, "seed": seed, "days": days})
            path = output / f"{training.role}.onnx"
            write_onnx(path, training.network, training.decision.names, training.meaning)
            saving = training.validation().saving_eur(training.policy())
            console.say(
                f"{training.role}: saves {saving:,.2f} EUR per validation week against default; "
                f"{path}"
            )


if __name__ == "__main__":
    typer.run(pretrain)
