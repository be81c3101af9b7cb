"""Whether what a factory returned is a policy: what is missing or has another signature."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from p2p_market.evaluation.players.failure import WrongAnswerError

METHODS: Final = {
    "informed": ("episode",),
    "start": ("seeds",),
    "act": ("observation", "memory"),
    "plan": ("episode",),
}
"""Name of a method -> its arguments. The first that an object has says what it is meant to be."""

NEEDED: Final = {
    "informed": ("informed",),
    "start": ("start", "act"),
    "act": ("start", "act"),
    "plan": ("plan", "identity"),
}
"""What an object needs that has such a method."""


def insist_on_policy(given: Any, giver: str = "the factory returned") -> None:
    """Pass a `Policy`, a `Planner` or an `Informed`.

    Args:
        given: what it is.
        giver: what returned it, with a verb.

    Raises:
        WrongAnswerError: naming what is missing or has another signature.
    """
    if isinstance(given, type):
        raise WrongAnswerError(
            f"{giver} the class {given.__name__}, not an object of it; call the class"
        )
    found = [name for name in METHODS if hasattr(given, name)]
    what = f"{giver} {_article(type(given).__name__)}"
    if not found:
        raise WrongAnswerError(f"{what}, which has neither start() and act() nor plan()")
    needed = NEEDED[found[0]]
    if lacks := [name for name in needed if not hasattr(given, name)]:
        has = " and ".join(_called(name) for name in needed if name not in lacks)
        missing = " and ".join(_called(name) for name in lacks)
        raise WrongAnswerError(f"{what}, which has {has} but no {missing}")
    for name in needed:
        if name in METHODS:
            _insist_on_arguments(what, name, getattr(given, name))


def takes(function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether a function can be called like this; True where its signature is unknown."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*arguments)
    except TypeError:
        return False
    return True


def _insist_on_arguments(what: str, name: str, method: Any) -> None:
    if not callable(method):
        raise WrongAnswerError(f"{what}, whose {name} is {_article(type(method).__name__)}")
    if not takes(method, *METHODS[name]):
        raise WrongAnswerError(
            f"{what}, whose {name}{inspect.signature(method)} cannot be called as "
            f"{name}({', '.join(METHODS[name])})"
        )


def _called(name: str) -> str:
    return f"{name}()" if name in METHODS else f"`{name}`"


def _article(name: str) -> str:
    return "None" if name == "NoneType" else f"a {name}"
