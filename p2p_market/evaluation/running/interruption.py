"""Ctrl-C and other requests to end: noted at any moment, raised again if they were swallowed.

Python raises an interruption wherever the main thread is. Inside a `__del__` or a callback of a
library it is printed and forgotten. So it is also noted here, and checked again between parts.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
BLOCKABLE: Final = hasattr(signal, "pthread_sigmask")

_heard: Final[list[int]] = []  # handlers belong to the process, and so does this
_patient: Final[list[None]] = []  # not empty: the first request waits until it is asked again


class Interruption(KeyboardInterrupt):
    """The user or the system asks this process to end."""


def exit_code() -> int | None:
    """128 and the number of the first request to end, as shells count; None without one."""
    return 128 + _heard[0] if _heard else None


def ask_again() -> None:
    """Raise a request to end that was swallowed.

    Raises:
        Interruption: if this process was asked to end.
    """
    if _heard:
        raise Interruption


def asked_for(error: BaseException) -> bool:
    """Whether an exception is a request to end this process, and not raised by the code it ran.

    Where this process does not listen itself, every `KeyboardInterrupt` is taken for a request.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    listens = signal.getsignal(signal.SIGINT) in (_hear, signal.SIG_IGN)
    return isinstance(error, Interruption) or bool(_heard) or not listens


def forget() -> None:
    """The request was for a part of the work that ends by it, as a server does."""
    _heard.clear()


def listen() -> None:
    """Listen to all requests to end, except those that this process ignores.

    Libraries that put their own handlers in place, as Ray does, are overruled by calling it again.
    """
    for number in SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, _hear)


def _hear(number: int, _: object) -> None:
    _heard.append(number)
    if not _patient or len(_heard) > 1:
        raise Interruption


def _hide(unraisable: Any) -> None:
    """Print nothing about a swallowed interruption: it is raised again later."""
    if not isinstance(unraisable.exc_value, Interruption):
        sys.__unraisablehook__(unraisable)


@contextmanager
def patiently() -> Iterator[None]:
    """Inside the block the first request only waits: imports run callbacks that would swallow it.

    Raises:
        Interruption: at the end of the block, if this process was asked to end.
    """
    _patient.append(None)
    try:
        yield
    finally:
        _patient.pop()
    ask_again()


@contextmanager
def listening() -> Iterator[None]:
    """Listen inside the block, if this is the main thread; others cannot."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    hook, sys.unraisablehook = sys.unraisablehook, _hide
    listen()
    try:
        yield
    finally:
        forget()
        sys.unraisablehook = hook
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes started inside the block never hear the signals: their parent ends them."""
    if not BLOCKABLE:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
