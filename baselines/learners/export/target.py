"""What an exported network is made for: columns, outputs, and what stands before the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor, nn

from baselines.learners.interop.view import FAR, View
from baselines.learners.plain import Plain, indicators, outputs_of, role_for
from baselines.learners.ppo.decision import KINDS
from p2p_market.errors import PolicyError
from p2p_market.records import FloatArray
from p2p_market.registry import load_scenario
from p2p_market.track import AnyScenario

PLAIN: Final = "plain"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a network is to play, as its file says it."""

    scenario: AnyScenario
    decision: str
    columns: tuple[str, ...]
    outputs: Mapping[str, int]  # column of an action -> 1 for a number, n for choices
    said: bool  # whether the file names the outputs
    before: tuple[nn.Module, ...] = field(default=())  # from rows in physical units to inputs

    @property
    def width(self) -> int:
        """Outputs together."""
        return sum(self.outputs.values())

    @property
    def numbers(self) -> bool:
        """Whether an action is numbers, not choices."""
        return all(wide == 1 for wide in self.outputs.values())


class Normal(nn.Module):
    """Rows less a mean, over a spread, cut; in double precision, as the libraries do it."""

    mean: Tensor
    spread: Tensor

    def __init__(self, mean: FloatArray, spread: FloatArray, far: float) -> None:
        """With fixed statistics, (column,)."""
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(np.array(mean, dtype=np.float64)))
        self.register_buffer("spread", torch.from_numpy(np.array(spread, dtype=np.float64)))
        self.far = far

    def forward(self, rows: Tensor) -> Tensor:
        """Inputs, (row, column)."""
        return ((rows.double() - self.mean) / self.spread).clamp(-self.far, self.far).float()


def target_of(
    made_for: Any,
    agent_indicator: bool = False,
    decides: Sequence[str] | None = None,
    role: str | None = None,
) -> Target:
    """What a network was made for.

    Args:
        made_for: a scenario, its id, or the `View` whose rows the network was trained on.
        agent_indicator: whether a one-hot of the agent stands behind what it observes.
        decides: columns of an action in the order of its outputs; None: all.
        role: that it plays; None: the only one.

    Raises:
        PolicyError: if the scenario has several roles and none is given, or no such role or
            column, or a view has no indicator.
    """
    if isinstance(made_for, View):
        if agent_indicator:
            raise PolicyError("the rows of a view say nothing of who its agent is; leave out "
                              "agent_indicator")  # fmt: skip
        if decides is not None:
            raise PolicyError("outputs over the rows of a view are no columns of an action; leave "
                              "out decides")  # fmt: skip
        (name,) = (one for one, kind in KINDS.items() if kind is type(made_for.decision))
        outputs = {f"output {place}": 1 for place in range(made_for.decision.width)}
        before = (Normal(*made_for.row_scale, FAR),)
        return Target(made_for.scenario, name, made_for.decision.names, outputs, False, before)
    scenario = load_scenario(made_for) if isinstance(made_for, str) else made_for
    plays = role_for(scenario, role)
    names = [feature.name for feature in plays.features]
    if agent_indicator:
        names += indicators(plays)
    columns = Plain(scenario, plays, names).names
    outputs = outputs_of(plays)
    if decides is not None:
        if not decides or (unknown := [name for name in decides if name not in outputs]):
            raise PolicyError(
                f"decides {', '.join(unknown) if decides else 'nothing'}; an action in "
                f"{scenario.spec.id} has the columns {', '.join(outputs)}"
            )
        outputs = {name: outputs[name] for name in decides}
    return Target(scenario, PLAIN, columns, outputs, said=True)


def check_width(target: Target, columns: int, outputs: int | None) -> None:
    """Whether a network takes the rows and gives the outputs of its target.

    Raises:
        PolicyError: with what it may have been trained behind.
    """
    own, name = len(target.columns), target.scenario.spec.id
    if columns != own:
        raise PolicyError(f"takes {columns} numbers, and an agent of {name} observes {own}: "
                          f"{_guess(target, columns)}")  # fmt: skip
    if outputs is not None and outputs != target.width:
        raise PolicyError(
            f"gives {outputs} outputs, and an action in {name} takes {target.width} "
            f"({_words(target.outputs)})"
        )


def check_spaces(target: Target, seen: Any, done: Any) -> None:
    """Whether the spaces of a library's policy are those of the agents here.

    Raises:
        PolicyError: if it observes or does something else.
    """
    name = target.scenario.spec.id
    if not isinstance(seen, spaces.Box) or len(seen.shape) != 1:
        shape = getattr(seen, "shape", None)
        raise PolicyError(
            f"observes a {type(seen).__name__} of shape {shape}; only a box of one axis is exported"
        )
    check_width(target, seen.shape[0], None)
    choices = list(target.outputs.values())
    if isinstance(done, spaces.Box):
        fits = target.numbers and done.shape == (target.width,)
        fits = fits and bool(np.all(done.low == -1.0) and np.all(done.high == 1.0))
    elif isinstance(done, spaces.Discrete):
        fits = not target.numbers and choices == [done.n] and done.start == 0
    else:
        fits = isinstance(done, spaces.MultiDiscrete) and done.nvec.tolist() == choices
    if not fits:
        wanted = f"Box(-1, 1, ({target.width},))" if target.numbers else f"MultiDiscrete({choices})"
        raise PolicyError(
            f"acts in {done}, and {name} takes {wanted} for {_words(target.outputs)}; if it "
            "decides some columns of an action alone, say which with decides (--decides)"
        )


def _guess(target: Target, columns: int) -> str:
    own, agents = len(target.columns), len(target.scenario.agents)
    if columns == own + agents:
        return "if the rest says which agent it is, say agent_indicator (--agent-indicator)"
    if columns % own == 0:
        return (
            f"a frame stack of {columns // own} is not exported; train on the observation alone, "
            "or a network that remembers"
        )
    return (
        "if it was trained on a view of the observation, say which (--view, such as around_rule); "
        "else train it on the observation as it is"
    )


def _words(outputs: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {wide}" for name, wide in outputs.items())


class Chain(nn.Module):
    """What stands before a network, and the network."""

    def __init__(self, before: Sequence[nn.Module], last: nn.Module) -> None:
        """In this order."""
        super().__init__()
        self.before, self.last = nn.ModuleList(before), last

    def inputs(self, rows: Tensor) -> Tensor:
        """What the network gets of rows."""
        for part in self.before:
            rows = part(rows)
        return rows

    def forward(self, rows: Tensor, *state: Tensor) -> Any:
        """Outputs, or outputs and the next state; the network may take one."""
        return self.last(self.inputs(rows), *state)
