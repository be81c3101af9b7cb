"""One door for the policies of all libraries that are known here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from p2p_market.errors import PolicyError
from p2p_market.loading import load

READERS: Final = {
    "stable_baselines3": "baselines.learners.export.sb3:read",
    "sb3_contrib": "baselines.learners.export.sb3:read",
    "ray": "baselines.learners.export.rllib:read",
    "torchrl": "baselines.learners.export.torchrl:read",
    "tensordict": "baselines.learners.export.torchrl:read",
    "torch": "baselines.learners.export.module:read",
}
"""Package in which a class of a policy is -> what makes a network of it; the first that fits."""


def export(
    policy: Any,
    scenario: Any,
    path: Path | str,
    *,
    agent_indicator: bool = False,
    normalize: Any = None,
    module: str | None = None,
    state: int = 0,
    decides: Sequence[str] | None = None,
    role: str | None = None,
) -> Path:
    """Write a trained policy as a file that `evaluate` and `leaderboard init --policy` take.

    It plays the likeliest action, what its own library plays when it does not explore.

    Args:
        policy: a model or policy of Stable-Baselines3 or sb3-contrib, or the zip of one; an
            `RLModule` or algorithm of RLlib, or the folder of its checkpoint; an actor of TorchRL;
            or a module of torch from observations (row, feature) to outputs (row, number), logits
            where an action is choices.
        scenario: a scenario or its id; or the `View` on whose rows it was trained.
        path: of the file.
        agent_indicator: whether a one-hot of the agent stands behind its observation.
        normalize: a `VecNormalize` or its file, if the model does not hold one itself.
        module: which of several modules of RLlib.
        state: numbers that a module of torch remembers for each row; it then takes rows and states,
            and gives outputs and next states.
        decides: columns of an action that it decides, in the order of its outputs; the others rest.
            None: all.
        role: that it plays, where the scenario has several.

    Raises:
        PolicyError: if something of the policy cannot be exported; it is named.
    """
    from baselines.learners.export.file import write
    from baselines.learners.export.target import target_of

    target = target_of(scenario, agent_indicator, decides, role)
    options = {"normalize": normalize, "module": module, "state": state}
    network, target, remembered = load(_reader(policy))(policy, target, options)
    write(network, target, Path(path), remembered)
    return Path(path)


def _reader(policy: Any) -> str:
    """What reads a policy, by its classes or its path."""
    if isinstance(policy, str | Path):
        path = Path(policy)
        if not path.exists():
            raise PolicyError(f"{path}: is not there; name the zip or the folder of a policy")
        return READERS["ray" if path.is_dir() else "stable_baselines3"]
    packages = {each.__module__.partition(".")[0] for each in type(policy).__mro__}
    for package, reader in READERS.items():
        if package in packages:
            return reader
    raise PolicyError(
        f"{type(policy).__module__}.{type(policy).__name__}: is no policy of a known library; "
        f"known are classes of {', '.join(READERS)}"
    )
