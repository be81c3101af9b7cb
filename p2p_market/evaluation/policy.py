"""What a policy is, and how one is found by name."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from p2p_market.episode import Episode
from p2p_market.errors import PolicyError
from p2p_market.evaluation.policy_names import is_file, is_ours, not_imported, place_of
from p2p_market.modules import here, import_ours
from p2p_market.records import Float32Array, FloatArray, Record
from p2p_market.scenario import Scenario


@runtime_checkable
class Policy(Protocol):
    """Acts on observations alone; what it remembers travels in `memory`, nothing is hidden.

    Rows belong to agents. A decentralised policy computes row i of the action from row i only.
    """

    def start(self, seeds: Sequence[int]) -> Any:
        """Memory before the first step, given one seed per community of the batch."""

    def act(self, observation: Float32Array, memory: Any) -> tuple[NDArray[Any], Any]:
        """Normalised actions (batch, agent, column) and the next memory.

        Args:
            observation: (batch, agent, feature) in physical units, columns as in
                `p2p_market.observation.features`.
            memory: what `start` or the last call returned.
        """


@dataclass(frozen=True, slots=True)
class Prices(Record):
    """What one more kWh is worth where, in each step [EUR/kWh]: the duals of an optimum."""

    hub_eur_per_kwh: FloatArray  # (step,), the competitive price
    line_eur_per_kwh: FloatArray  # (step,), congestion price of net load, < 0 against feeding in
    meter_eur_per_kwh: FloatArray  # (step, agent), line included
    stored_eur_per_kwh: FloatArray  # (step, agent, asset), in the device after the step


@dataclass(frozen=True, slots=True)
class Plan(Record):
    """A schedule made with perfect foresight, with its proof."""

    setpoint_kw: FloatArray  # (step, agent, asset)
    order_kw: FloatArray  # (step, agent), < 0 to sell: all that is left; in an outage the trade
    objective_eur: float  # cost of the plan by the solver that made it
    bound_eur: float  # no schedule costs less: from the prices, or what the search tree proved
    prices: Prices | None  # that prove the bound; None where whole numbers are in the plan
    solver: str  # name and version


@runtime_checkable
class Planner(Protocol):
    """Sees the whole episode before it starts; only the optimum may."""

    @property
    def identity(self) -> str:
        """Digest of the program and the versions of its solvers: another one, another plan."""

    def plan(self, episode: Episode) -> Plan:
        """Cheapest schedule of a batch of one."""


@runtime_checkable
class Informed(Protocol):
    """Gives a policy that knows an episode before it starts: a reference, never a contestant."""

    def informed(self, episode: Episode) -> Policy:
        """The policy for this batch of episodes."""


def load_policy(name: str, scenario: Scenario) -> Policy | Planner | Informed:
    """A baseline by name, a researcher's own policy as `module:factory`, or one in a file.

    The factory is called with the scenario, and that of a file's kind with its path too, and
    returns a `Policy`. Modules are searched in the current directory first.

    Raises:
        PolicyError: if nothing of that name can be imported, or it is not a policy.
    """
    module_name, factory_name = place_of(name)
    with ExitStack() as stack:
        try:
            if is_ours(name):
                module = import_ours(module_name)
            else:
                module = stack.enter_context(here(module_name))
            factory = getattr(module, factory_name)
        except ImportError as error:
            raise PolicyError(not_imported(name, module_name, error)) from error
        except AttributeError as error:
            raise PolicyError(f"policy {name!r}: {module_name} has no {factory_name!r}") from error
        policy = factory(scenario, name) if is_file(name) else factory(scenario)
    if not isinstance(policy, Policy | Planner | Informed):
        raise PolicyError(
            f"policy {name!r}: the factory returned {type(policy).__name__}, "
            "which has neither start() and act() nor plan()"
        )
    return policy


def ask(
    policy: Policy, observation: Float32Array, memory: Any, name: str
) -> tuple[NDArray[Any], Any]:
    """A policy's answer: action, not yet checked, and memory.

    Raises:
        PolicyError: if it is no such pair.
    """
    answer = policy.act(observation, memory)
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise PolicyError(f"policy {name!r}: act() must return (action, memory)")
    return answer


def checked_action(action: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """A policy's answer, if it has the right shape and a floating dtype.

    Raises:
        PolicyError: otherwise.
    """
    values = np.asarray(action)
    if values.shape != shape or values.dtype.kind != "f":
        raise PolicyError(
            f"policy {name!r} answered with shape {values.shape} and dtype {values.dtype}; "
            f"needed are {shape} and float32 or float64"
        )
    return values
