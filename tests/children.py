"""Work in a forked process: killed or interrupted at an event, or on another terminal."""

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = ((Path, "replace"), (Path, "rename"), (os, "fsync"))
"""What counts as an event, beside each file begun."""


def child(work: Callable[[], Any], encoding: str = "utf-8", reader: bool = True) -> tuple[int, str]:
    """Exit code, or less than 0 for a signal, and all that was said.

    Args:
        work: is done in a copy of this process.
        encoding: of its terminal, which has no letter for all others.
        reader: whether anybody reads what it says on standard output.
    """
    ends = os.pipe()
    away = os.pipe()
    os.close(away[0])
    number = os.fork()
    if number == 0:
        code = 1
        try:
            os.close(ends[0])
            os.dup2(ends[1] if reader else away[1], 1)
            os.dup2(ends[1], 2)
            for end in (ends[1], away[1]):
                os.close(end)
            sys.stdout, sys.stderr = (
                io.TextIOWrapper(os.fdopen(end, "wb"), encoding, errors, write_through=True)
                for end, errors in ((1, "strict"), (2, "backslashreplace"))
            )
            work()
            code = 0
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(ends[1])
    os.close(away[1])
    with os.fdopen(ends[0], "rb") as pipe:
        said = pipe.read().decode(encoding)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), said


def struck_at(event: int, work: Callable[[], Any], number: int, *more: tuple[Any, str]) -> Any:
    """As `child`, but a signal strikes at an event: in mid-file, mid-rename, mid-call.

    Args:
        event: number of it; one that never comes leaves the work alone.
        number: of the signal.
        more: owner and name of other functions whose calls are events.
    """

    def strike() -> Any:
        count_events(work, lambda seen: seen == event and os.kill(os.getpid(), number), *more)

    return child(strike)


def count_events(
    work: Callable[[], Any], tell: Callable[[int], Any], *more: tuple[Any, str]
) -> None:
    """Work, and tell the number of each event before it happens; a file's, when half is there."""
    seen = 0

    def happens() -> None:
        nonlocal seen
        seen += 1
        tell(seen)

    def announced(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*words: Any, **how: Any) -> Any:
            happens()
            return real(*words, **how)

        return call

    write = Path.write_bytes

    def in_halves(path: Path, content: bytes) -> int:
        write(path, content[: len(content) // 2])
        happens()
        return write(path, content)

    Path.write_bytes = in_halves  # type: ignore[method-assign]
    for owner, name in (*EVENTS, *more):
        setattr(owner, name, announced(getattr(owner, name)))
    work()


def events_of(work: Callable[[], Any], *more: tuple[Any, str]) -> int:
    """How many events a piece of work has."""
    code, said = child(lambda: count_events(work, lambda seen: os.write(2, b"\0"), *more))
    assert code == 0, said
    return said.count("\0")


KILL = signal.SIGKILL
