"""Control groups (version 2): a fresh one for each program, where the system lets one be made.

A group counts what `setrlimit` does not: memory that was writable once, temporary files, what the
kernel keeps for a program; and it shares out processor time. Where there is none, as on systems
that have version 1, the other limits hold alone, and the record says so.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/fs/cgroup")
SELF: Final = Path("/proc/self/cgroup")
CONTROLLERS: Final = frozenset({"memory", "pids"})
MOST: Final = ("memory.max", "pids.max")
BESIDE: Final = ("memory.swap.max", "cpu.max")
"""Not every group has these files."""
MEMBERS: Final = "cgroup.procs"
UNLIMITED: Final = "max"


def above(root: Path = ROOT, own: Path = SELF) -> Path | None:
    """The nearest group above this process in which groups with limits can be made, if any."""
    place = _place(root, own)
    if place is None:
        return None
    for group in (place, *place.parents):
        passed_on = set(_read(group / "cgroup.subtree_control").split())
        writable = all(os.access(one, os.W_OK) for one in (group, group / MEMBERS))
        if passed_on >= CONTROLLERS and writable:
            return group
        if group == root:
            break
    return None


def fresh(group: Path | None, pid: int, most: Mapping[str, str]) -> Path | None:
    """A new group below another that holds one process; None where it cannot be made.

    Args:
        group: below which it is; None: there is none.
        pid: of the process, which has done nothing yet.
        most: file of the group -> limit.
    """
    if group is None:
        return None
    try:
        own = Path(tempfile.mkdtemp(prefix="p2p-market-", dir=group))
    except OSError:
        return None
    try:
        for name, value in {**most, MEMBERS: str(pid)}.items():
            with suppress(OSError) if name in BESIDE else nullcontext():
                (own / name).write_text(value, "ascii")
    except OSError:
        remove(own)
        return None
    return own


def remove(group: Path) -> None:
    """Take away a group whose process has ended."""
    with suppress(OSError):
        group.rmdir()


def limits(pid: int, root: Path = ROOT, proc: Path = Path("/proc")) -> bool:
    """Whether the group of a process bounds its memory and its processes."""
    place = _place(root, proc / str(pid) / "cgroup")
    if place is None:
        return False
    return all(_read(place / name).strip() not in ("", UNLIMITED) for name in MOST)


def _place(root: Path, told: Path) -> Path | None:
    """The folder of the group in which a process is, of version 2."""
    for line in _read(told).splitlines():
        number, _, path = line.partition("::")
        if number == "0" and ".." not in path:
            return root / path.lstrip("/")
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
