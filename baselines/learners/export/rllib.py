"""RLModules of RLlib: what `forward_inference` and the distribution's deterministic form play."""

import pickle
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModule
from torch import Tensor, nn

from baselines.learners.export.target import Target, check_spaces
from p2p_market.errors import PolicyError

INSIDE: Final = ("learner_group/learner/rl_module", "learner/rl_module", "rl_module", ".")
"""Where the modules of a checkpoint lie: of an algorithm, a learner group, a learner, alone."""
CONNECTORS: Final = "env_runner/env_to_module_connector"
BUILT: Final = "class_and_ctor_args.pkl"
MODULE: Final = "module_state.pkl"
USUAL: Final = {
    "AddObservationsFromEpisodesToBatch", "AddTimeDimToBatchAndZeroPad",
    "AddStatesFromEpisodesToBatch", "AgentToModuleMapping", "BatchIndividualItems",
    "NumpyToTensor",
}  # fmt: skip
"""Connectors that leave observations as they are."""
MEANS: Final = ("TorchDiagGaussian", "TorchSquashedGaussian")
"""Distributions of numbers."""
HEADS: Final = ("TorchMLPHead", "TorchFreeLogStdMLPHead")
CHOICES: Final = ("TorchCategorical", "TorchMultiCategorical")


class Means(nn.Module):
    """The head of a policy without the deviations, which nobody plays."""

    def __init__(self, head: Any) -> None:
        """Of one of `HEADS`."""
        super().__init__()
        self.net = head.net

    def forward(self, inputs: Tensor) -> Tensor:
        """Means, and whatever the network puts out behind them."""
        found: Tensor = self.net(inputs)
        return found


class Inference(nn.Module):
    """The mode of a module: means, or logits of choices."""

    def __init__(self, module: Any, width: int, squash: bool) -> None:
        """Of this many outputs.

        Args:
            squash: whether they are squashed before they are played.
        """
        super().__init__()
        self.module, self.width, self.squash = deepcopy(module), width, squash
        if type(getattr(module, "pi", None)).__name__ in HEADS:
            self.module.pi = Means(self.module.pi)

    def forward(self, rows: Tensor) -> Tensor:
        """Means or logits."""
        found: Tensor = self.module._forward_inference({Columns.OBS: rows})[
            Columns.ACTION_DIST_INPUTS
        ][:, : self.width]
        return found.tanh() if self.squash else found


def read(policy: Any, target: Target, options: Any) -> tuple[nn.Module, Target, int]:
    """The network of a module, of an algorithm, or of the folder of a checkpoint.

    Raises:
        PolicyError: if something of it cannot be exported.
    """
    module = _module(policy, options["module"])
    if module.is_stateful():
        raise PolicyError("a module of RLlib that remembers is not exported; train one without "
                          "use_lstm, or export its network as a module of torch")  # fmt: skip
    check_spaces(target, module.observation_space, module.action_space)
    law = module.get_inference_action_dist_cls()
    name = getattr(law, "__name__", str(law))
    names = {each.__name__ for each in getattr(law, "__mro__", ())}
    law_name = next((one for one in (*MEANS, *CHOICES) if one in names), "")
    if not law_name or (law_name in MEANS) != target.numbers:
        raise PolicyError(f"plays by {name}; known are {', '.join((*MEANS, *CHOICES))}")
    if not isinstance(module, nn.Module):
        raise PolicyError(f"{type(module).__name__}: is no module of torch")
    _check_drawn(module, len(target.columns))
    return Inference(module, target.width, law_name in MEANS and _squashes(law)), target, 0


def _check_drawn(module: Any, columns: int) -> None:
    """Whether a module says what its actions are drawn by.

    Raises:
        PolicyError: if it puts out actions alone.
    """
    with torch.no_grad():
        played = module._forward_inference({Columns.OBS: torch.zeros(1, columns)})
    if Columns.ACTION_DIST_INPUTS not in played:
        raise PolicyError(
            f"{type(module).__name__}: puts out actions and not what they are drawn by, so it is "
            "not exported; export its network as a module of torch"
        )


def _squashes(law: Any) -> bool:
    """Whether RLlib squashes the mean of a law where it does not explore.

    It plays the mean of its squashed normal law as it is, cut at the ends (ray-project/ray, issue
    51544); should that be mended, files follow.
    """
    one = law.from_logits(torch.ones(1, 2)).to_deterministic().sample()
    return float(one[0, 0]) < 1.0


def _module(policy: Any, name: str | None) -> Any:
    """The module that plays; of several the one that is asked for."""
    if isinstance(policy, str | Path):
        return _from_checkpoint(Path(policy).resolve(), name)
    if hasattr(policy, "env_runner"):  # an algorithm
        _check_connectors([type(one) for one in policy.env_runner._env_to_module.connectors])
        known = policy.env_runner.module
    else:
        known = policy
    if isinstance(known, RLModule) and not hasattr(known, "_rl_modules"):
        return known
    return known[_chosen(list(known.keys()), name)]


def _from_checkpoint(path: Path, name: str | None) -> Any:
    """The module in a folder that RLlib saved."""
    if (path / CONNECTORS / BUILT).is_file():
        with (path / CONNECTORS / BUILT).open("rb") as file:
            _, told = pickle.load(file)["ctor_args_and_kwargs"]
        _check_connectors([one[0] for one in told.get("connectors", ())])
    for inside in INSIDE:
        folder = path / inside
        several = sorted(one.parent.name for one in folder.glob(f"*/{MODULE}"))
        if several:
            return RLModule.from_checkpoint(folder / _chosen(several, name))
        if (folder / MODULE).is_file():
            return RLModule.from_checkpoint(folder)
    raise PolicyError(f"{path}: is no checkpoint of RLlib's new API stack; save it with "
                      "algorithm.save_to_path(FOLDER)")  # fmt: skip


def _chosen(known: list[str], name: str | None) -> str:
    """Which of several modules."""
    if name is None and len(known) == 1:
        return known[0]
    if name is None or name not in known:
        raise PolicyError(
            f"has the modules {', '.join(known)}; say which with module (--module): a file is one "
            "network, which all agents play"
        )
    return name


def _check_connectors(classes: list[type]) -> None:
    """Whether observations reach the module as they are.

    Raises:
        PolicyError: if a connector changes them.
    """
    if other := [one.__name__ for one in classes if one.__name__ not in USUAL]:
        raise PolicyError(f"its observations go through {other[0]}, which is not exported; train "
                          "without it")  # fmt: skip
