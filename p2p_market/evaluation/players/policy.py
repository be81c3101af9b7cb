"""What a policy is, and how one is found by name."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import OptimumError, PolicyError
from p2p_market.evaluation.players.failure import Stranger, WrongAnswerError
from p2p_market.evaluation.players.interface import insist_on_policy, takes
from p2p_market.evaluation.players.names import is_file, is_ours, not_imported, of_roles, place_of
from p2p_market.loading import here, import_ours
from p2p_market.records import Float32Array
from p2p_market.track import AnyEpisode, AnyScenario, Plan
from p2p_market.tracks import track_of


@runtime_checkable
class Policy(Protocol):
    """Acts on observations alone; all that it remembers is in `memory`, nothing is hidden.

    Rows belong to agents. A decentralised policy computes row i of the action from row i only.
    """

    def start(self, seeds: Sequence[int]) -> Any:
        """Memory before the first step, given one seed per community of the batch."""

    def act(self, observation: Float32Array, memory: Any) -> tuple[NDArray[Any], Any]:
        """Normalised actions (batch, agent, column) and the next memory.

        Args:
            observation: (batch, agent, feature) in physical units, columns as in
                the `features` of its role.
            memory: what `start` or the last call returned.
        """


@runtime_checkable
class Planner(Protocol):
    """Sees the whole episode before it starts; only the optimum may."""

    @property
    def identity(self) -> str:
        """Digest of the program and the versions of its solvers: another one, another plan."""

    def plan(self, episode: AnyEpisode) -> Plan:
        """Cheapest schedule of a batch of one."""


@runtime_checkable
class Informed(Protocol):
    """Gives a policy that knows an episode before it starts: a reference, never a contestant."""

    def informed(self, episode: AnyEpisode) -> Policy:
        """The policy for this batch of episodes."""


def load_cast(name: str, scenario: AnyScenario) -> dict[str, Policy | Informed]:
    """A policy for each role, by the name of a baseline, of code, of a file, or of one per role.

    Raises:
        PolicyError: if nothing of that name can be imported.
        OptimumError: if a part of it makes one plan with perfect foresight.
        FailedPolicyError: if its module or its factory raises, or what it returns is no policy.
    """
    cast: dict[str, Policy | Informed] = {}
    for role, part in of_roles(scenario, name).items():
        made = _load(name, part, role, scenario)
        if isinstance(made, Planner):
            raise OptimumError(f"{part!r} plans with perfect foresight; only the optimum may")
        cast[role] = made
    return cast


def load_policy(
    name: str, scenario: AnyScenario, role: str | None = None
) -> Policy | Planner | Informed:
    """A baseline by name, a researcher's own policy as `module:factory`, or one in a file.

    The factory is called with the scenario, and that of a file's kind with its path and the role
    too, and returns a `Policy`. Modules are searched in the current directory first.

    Args:
        role: that it plays; None: the first, which most tracks have alone.

    Raises:
        PolicyError: if nothing of that name can be imported.
        FailedPolicyError: if its module or its factory raises, or what it returns is not a policy.
    """
    return _load(name, name, role or track_of(scenario).roles(scenario)[0].name, scenario)


def _load(name: str, part: str, role: str, scenario: AnyScenario) -> Policy | Planner | Informed:
    """The policy of one role.

    Args:
        name: of the whole, for errors.
        part: baseline, file or MODULE:FACTORY.
    """
    module_name, factory_name = place_of(scenario, role, part)
    author = Stranger(name, scenario.spec.id, module_name)
    given = (scenario, part, role) if is_file(part) else (scenario,)
    with ExitStack() as stack:
        try:
            if is_ours(part):
                module = import_ours(module_name)
            else:
                place = here(module_name)
                module = author.call(None, stack.enter_context, place, passing=ImportError)
            factory = author.call(None, getattr, module, factory_name, passing=AttributeError)
        except ImportError as error:
            raise PolicyError(not_imported(part, module_name, error)) from error
        except AttributeError as error:
            raise PolicyError(
                f"policy {part!r}: {module_name} has no {factory_name!r}{_there_is(module)}"
            ) from error
        policy: Policy | Planner | Informed = author.call(
            None, _made, factory, given, passing=PolicyError
        )
    return policy


def _there_is(module: Any) -> str:
    """Names of the functions and classes of a module, as the end of a sentence."""
    own = [
        name
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", "") == module.__name__ and not name.startswith("_")
    ]
    return f"; it has {', '.join(own[:10])}" if own else "; it defines no function and no class"


def _made(factory: Any, arguments: tuple[Any, ...]) -> Any:
    """Call a factory, and check that it returns a policy."""
    if not callable(factory):
        raise WrongAnswerError(f"the factory is {factory!r}, which cannot be called")
    if not takes(factory, *arguments):
        raise WrongAnswerError(
            f"the factory cannot be called as {getattr(factory, '__name__', 'it')}(scenario"
            f"{', path, role' if len(arguments) > 1 else ''})"
        )
    policy = factory(*arguments)
    insist_on_policy(policy)
    return policy


def ask(
    policy: Policy,
    observation: Float32Array,
    memory: Any,
    shape: tuple[int, ...],
    choices: bool = False,
) -> tuple[NDArray[Any], Any]:
    """A policy's answer: action and memory.

    Args:
        shape: that the action must have, (batch, agent, column).
        choices: whether every column is one; then integers are taken too.

    Raises:
        WrongAnswerError: if it is not a pair, or the action has another shape or dtype.
    """
    answer = policy.act(observation, memory)
    if not isinstance(answer, tuple):
        raise WrongAnswerError(f"act() must return (action, memory), not {_kind(answer)}")
    if len(answer) != 2:
        raise WrongAnswerError(f"act() must return (action, memory), not {len(answer)} things")
    return _checked(answer[0], shape, choices), answer[1]


def checked_action(
    action: Any, shape: tuple[int, ...], name: str, choices: bool = False
) -> NDArray[Any]:
    """A policy's action, if it has the right shape and dtype.

    Args:
        choices: whether every column is one; then integers are taken too.

    Raises:
        PolicyError: otherwise.
    """
    try:
        return _checked(action, shape, choices)
    except WrongAnswerError as error:
        raise PolicyError(f"policy {name!r} {error}") from None


def _checked(action: Any, shape: tuple[int, ...], choices: bool) -> NDArray[Any]:
    dtypes = f"{'integers, ' if choices else ''}float32 or float64"
    needed = f"needed: {shape} and {dtypes}, by (week, agent, column)"
    try:
        values = np.asarray(action)
    except (TypeError, ValueError, RuntimeError) as error:  # unlike rows, a tensor with gradients
        raise WrongAnswerError(f"answered with {_kind(action)}, {error}; {needed}") from None
    if values.dtype == object and not isinstance(action, np.ndarray):
        raise WrongAnswerError(f"answered with {_kind(action)} instead of an array; {needed}")
    if np.ma.is_masked(action):
        raise WrongAnswerError(f"answered with masked values; {needed}")
    if values.shape == shape[1:]:
        needed = f"{needed}; the axis of weeks is missing"
    if choices and values.dtype.kind in "iu":
        values = values.astype(np.float64)
    if values.shape != shape or values.dtype.kind != "f":
        raise WrongAnswerError(
            f"answered with shape {values.shape} and dtype {values.dtype}; {needed}"
        )
    return values


def _kind(thing: Any) -> str:
    return "None" if thing is None else f"a {type(thing).__name__}"
