"""The filter of system calls as a program that the kernel takes (classic BPF), without a library.

A list of what is allowed; all else fails with EPERM and leaves the program running, since libraries
often ask and go on without. A call of another architecture ends the program.
"""

import platform
import struct
from collections.abc import Callable
from typing import Final

from leaderboard.sandbox.code.syscalls import FREE, JUDGED
from p2p_market.errors import P2PMarketError

MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Name of the machine -> column of the numbers, and how the kernel calls it."""

_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in what the kernel shows
_ALLOW, _KILL, _REFUSE, _ABSENT = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_INSTRUCTION: Final = struct.Struct("<HBBI")

_THREAD: Final = 0x00010000  # CLONE_THREAD
_NAMESPACES: Final = 0x7E020080  # every CLONE_NEW...
_SHARED: Final = 0x21  # MAP_SHARED and MAP_ANONYMOUS, memory that no limit of data counts
_UNCOUNTED: Final = 0x40100  # MAP_GROWSDOWN, counted as a stack; MAP_HUGETLB, the system's own
_FCNTL: Final = (0, 1, 2, 3, 4, 1030)  # copies and flags of a number
_PRIVATE: Final = 128  # FUTEX_PRIVATE_FLAG: between threads of one process
_FUTEX: Final = (0, 9, 265)  # to wait for the end of a thread, which the kernel tells
_MADVISE: Final = (0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17)  # of its own pages alone
_IOCTL: Final = (0x5401, 0x5450, 0x5451)  # is it a terminal; keep or close a file at exec
_PRCTL: Final = (15, 16, 0x53564D41)  # names of threads and of memory


def program(machine: str = "") -> bytes:
    """The filter for a machine; by default for this one.

    Raises:
        P2PMarketError: if there is none for it.
    """
    machine = machine or platform.machine()
    if machine not in MACHINES:
        raise P2PMarketError(
            f"no filter of system calls for {machine}; code is played on {' and '.join(MACHINES)}"
        )
    column, architecture = MACHINES[machine]
    lines = [_load(_MACHINE), _equal(architecture, 1, 0), _return(_KILL), _load(_NUMBER)]
    for numbers in FREE.values():
        if (number := numbers[column]) is not None:
            lines += [_equal(number, 0, 1), _return(_ALLOW)]
    for name, judged in _JUDGES.items():
        lines += _guarded(JUDGED[name][column], judged())
    lines.append(_return(_REFUSE))
    return b"".join(lines)


def _guarded(number: int, body: list[bytes]) -> list[bytes]:
    """A judgement that is made of one call alone; it ends in an answer."""
    return [_equal(number, 0, len(body)), *body]


def _clone() -> list[bytes]:
    """Threads of the same process, and nothing else."""
    return [
        _load(_ARGUMENTS),
        _INSTRUCTION.pack(_AND, 0, 0, _THREAD | _NAMESPACES),
        _equal(_THREAD, 0, 1),
        _return(_ALLOW),
        _return(_REFUSE),
    ]


def _clone3() -> list[bytes]:
    """Its flags are in memory, which a filter cannot see; libraries fall back on `clone`."""
    return [_return(_ABSENT)]


def _one_of(argument: int, values: tuple[int, ...]) -> list[bytes]:
    lines = [_load(_ARGUMENTS + 8 * argument)]
    for value in values:
        lines += [_equal(value, 0, 1), _return(_ALLOW)]
    return [*lines, _return(_REFUSE)]


def _futex() -> list[bytes]:
    """Within the process; a file that two processes see would carry words between them."""
    return [
        _load(_ARGUMENTS + 8),
        _INSTRUCTION.pack(_AND, 0, 0, _PRIVATE),
        _equal(_PRIVATE, 0, 1),
        _return(_ALLOW),
        *_one_of(1, _FUTEX),
    ]


def _mmap() -> list[bytes]:
    """All memory but that which processes share, or which the limit of data does not count."""
    return [
        _load(_ARGUMENTS + 8 * 3),
        _INSTRUCTION.pack(_AND, 0, 0, _UNCOUNTED),
        _equal(0, 1, 0),
        _return(_REFUSE),
        _load(_ARGUMENTS + 8 * 3),
        _INSTRUCTION.pack(_AND, 0, 0, _SHARED),
        _equal(_SHARED, 0, 1),
        _return(_REFUSE),
        _return(_ALLOW),
    ]


def _prlimit64() -> list[bytes]:
    """Limits are read, not set: no new value is given."""
    low = _ARGUMENTS + 8 * 2
    return [
        _load(low), _equal(0, 1, 0), _return(_REFUSE),
        _load(low + 4), _equal(0, 1, 0), _return(_REFUSE),
        _return(_ALLOW),
    ]  # fmt: skip


_JUDGES: Final[dict[str, Callable[[], list[bytes]]]] = {
    "clone": _clone,
    "clone3": _clone3,
    "fcntl": lambda: _one_of(1, _FCNTL),
    "futex": _futex,
    "ioctl": lambda: _one_of(1, _IOCTL),
    "madvise": lambda: _one_of(2, _MADVISE),
    "mmap": _mmap,
    "prctl": lambda: _one_of(0, _PRCTL),
    "prlimit64": _prlimit64,
}


def _load(offset: int) -> bytes:
    return _INSTRUCTION.pack(_LOAD, 0, 0, offset)


def _equal(value: int, then: int, otherwise: int) -> bytes:
    """Skip so many lines."""
    return _INSTRUCTION.pack(_EQUAL, then, otherwise, value)


def _return(answer: int) -> bytes:
    return _INSTRUCTION.pack(_RETURN, 0, 0, answer)
