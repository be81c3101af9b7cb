"""Errors in the code of others, as one sentence that travels between processes."""

import linecache
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from p2p_market.errors import PolicyError
from p2p_market.evaluation.running.interruption import asked_for

LONGEST: Final = 300  # letters of an exception's text
FIRST: Final = 4  # frames shown where there are many
LAST: Final = 8
OURS: Final = ("p2p_market", "baselines", "leaderboard", "report", "tools")
LIBRARIES: Final = ("stdlib", "platstdlib", "purelib", "platlib")


@dataclass(frozen=True, slots=True)
class Failure:
    """How the play of a policy ended before its end."""

    message: str  # one line: who, where, what
    step: int | None = None  # in which it failed; None: before the first
    frames: tuple[str, ...] = ()  # the calls in the author's own files, outermost first

    def __str__(self) -> str:
        """The sentence, and below it the frames."""
        return "\n".join([self.message, *(f"  {frame}" for frame in self.frames)])


class FailedPolicyError(PolicyError):
    """A policy, or the mechanism it met, raised an error or gave an answer that is not valid."""

    def __init__(self, failure: Failure, played: Any = None) -> None:
        """Keep what was played before, a `Trajectory`, or None."""
        super().__init__(failure, played)
        self.failure, self.played = failure, played

    def __str__(self) -> str:
        """The failure as text."""
        return str(self.failure)


class WrongAnswerError(PolicyError):
    """An answer that is not valid, in words that need a subject: "policy 'a' ..."."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody else's code, called so that whatever it raises becomes a `FailedPolicyError`."""

    policy: str
    scenario: str
    module: str = ""  # of the author: frames in it are shown, also where it is one of ours

    def call(
        self,
        step: int | None,
        function: Callable[..., Any],
        *arguments: Any,
        during: str = "",
        passing: type[Exception] | tuple[()] = (),
    ) -> Any:
        """What the function returns.

        Args:
            step: of the episode; None before the first.
            function: is called with the arguments.
            during: what else is named, for example a mechanism.
            passing: an exception that goes through as it is.

        Raises:
            FailedPolicyError: if the function raises anything except a request to end this
                process.
        """
        try:
            return function(*arguments)
        except FailedPolicyError:
            raise
        except WrongAnswerError as error:
            message = self._where(step, during) + str(error)
            failure = Failure(message, step)
        except passing:
            raise
        except BaseException as error:  # also SystemExit: others do not end our process
            if asked_for(error):
                raise
            message = self._where(step, during) + described(error)
            failure = Failure(message, step, tuple(_frames(error, self.module)))
        raise FailedPolicyError(failure)

    def _where(self, step: int | None, during: str) -> str:
        when = "before its first step" if step is None else f"at step {step}"
        inside = f"{during}: " if during else ""
        return f"policy {self.policy!r} failed in {self.scenario} {when}: {inside}"


def described(error: BaseException) -> str:
    """Type and text of an exception on one line, even if they are badly formed."""
    try:
        text = visible(str(error))
    except BaseException as unreadable:
        if asked_for(unreadable):
            raise
        text = "(its text cannot be read)"
    name = visible(type(error).__name__)
    return f"{name}: {text}" if text else name


def visible(text: str) -> str:
    """A text on one line, without letters that a terminal would obey, and not too long."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(line.split())
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"


def _frames(error: BaseException, module: str) -> list[str]:
    """The frames of a traceback in the user's own files, as text."""
    lines = list(_places(error.__traceback__, module))
    if isinstance(error, SyntaxError) and error.filename:
        lines.append(f"{_relative(error.filename)}:{error.lineno}: {visible(error.text or '')}")
    repeated = [(line, len(list(same)) > 1) for line, same in groupby(lines)]
    told = [f"{line} (repeated)" if often else line for line, often in repeated]
    if len(told) > FIRST + LAST:
        left_out = f"... {len(told) - FIRST - LAST} more ..."
        told = [*told[:FIRST], left_out, *told[-LAST:]]
    return told


@lru_cache(maxsize=1)
def _left_out() -> tuple[str, ...]:
    """Beginnings of the paths of our files and of libraries; "<" marks what is not a file."""
    root, found = Path(__file__).parents[3], sysconfig.get_paths()
    folders = [*(root / name for name in OURS), *(Path(found[name]) for name in LIBRARIES)]
    return "<", *(f"{path}{os.sep}" for one in folders for path in (one, one.resolve()))


def _places(traceback: TracebackType | None, module: str) -> Iterator[str]:
    own = getattr(sys.modules.get(module), "__file__", None)
    while traceback is not None:
        code, number = traceback.tb_frame.f_code, traceback.tb_lineno
        file = code.co_filename
        foreign = not file.startswith(_left_out())
        if foreign or file == own:
            source = visible(linecache.getline(file, number))
            yield f"{_relative(file)}:{number} in {code.co_qualname}: {source}"
        traceback = traceback.tb_next


def _relative(file: str) -> str:
    """As seen from the working folder, if it lies below it."""
    try:
        return str(Path(file).relative_to(Path.cwd()))
    except (OSError, ValueError):
        return file
