"""What holds a process, as the kernel says and not as the process does."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from leaderboard.sandbox.code import groups

BUBBLEWRAP: Final = "bubblewrap"
NAMESPACES: Final = ("user", "pid", "net", "mnt", "ipc", "uts", "cgroup")
READ_ONLY: Final = "read-only root"
SECCOMP: Final = "seccomp"
NO_PRIVILEGES: Final = "no privileges"
MEMORY: Final = "memory limit"
TIME: Final = "time limit"
PROCESSES: Final = "process limit"
GROUP: Final = "control group"
"""Memory and processes are bounded by a group too, where the system has them."""
REPEATED: Final = "repeated alone"
"""Asked again without its neighbours, a seat that nobody could foresee answered the same bytes: it
heard nothing of them, by whatever channel, and drew nothing from a clock."""
_LIMITS: Final = {"Max data size": MEMORY, "Max cpu time": TIME, "Max processes": PROCESSES}

NEEDED: Final = frozenset(
    {"user", "pid", "net", READ_ONLY, SECCOMP, NO_PRIVILEGES, MEMORY, TIME, REPEATED}
)
"""An entry that was held by less is never ranked."""


def what_holds(pid: int, proc: Path = Path("/proc")) -> str:
    """What holds another process, for the record.

    Args:
        pid: of the process, as this process sees it.
        proc: folder of the kernel's answers.
    """
    own, other = proc / "self", proc / str(pid)
    found = [BUBBLEWRAP]
    found += [name for name in NAMESPACES if _differ(own / "ns" / name, other / "ns" / name)]
    status = dict(_pairs((other / "status").read_text("ascii").splitlines(), ":"))
    if _root_is_read_only((other / "mountinfo").read_text("utf-8").splitlines()):
        found.append(READ_ONLY)
    if status.get("Seccomp") == "2":
        found.append(SECCOMP)
    masks = ("CapInh", "CapPrm", "CapEff", "CapAmb")
    none_left = all(int(status[name], 16) == 0 for name in masks)
    if status.get("NoNewPrivs") == "1" and none_left:
        found.append(NO_PRIVILEGES)
    for line in (other / "limits").read_text("ascii").splitlines():
        for name, word in _LIMITS.items():
            if line.startswith(name) and "unlimited" not in line:
                found.append(word)
    if groups.limits(pid):
        found.append(GROUP)
    return ", ".join(found)


def resident_bytes(pid: int, proc: Path = Path("/proc")) -> int:
    """Memory that a process holds beside files that it reads; 0 if it has ended."""
    try:
        status = dict(_pairs((proc / str(pid) / "status").read_text("ascii").splitlines(), ":"))
    except OSError:
        return 0
    kinds = ("RssAnon", "RssShmem", "VmSwap")
    return 1024 * sum(int(status.get(name, "0 kB").split()[0]) for name in kinds)


def is_enough(level: str) -> bool:
    """Whether that much is needed of every process of an entry that is ranked."""
    return set(level.split(", ")) >= NEEDED | {BUBBLEWRAP}


def _differ(own: Path, other: Path) -> bool:
    """Whether two processes are in different namespaces of a kind."""
    try:
        return os.readlink(own) != os.readlink(other)
    except OSError:
        return False


def _root_is_read_only(mounts: Iterable[str]) -> bool:
    """Whether every mount but the one for temporary files, which is bounded, refuses writing."""
    writable = []
    for line in mounts:
        where, options = line.split()[4:6]
        if where == "/tmp" and "size=" in line and "nr_inodes=" in line:
            continue
        if "rw" in options.split(",") and not where.startswith("/dev/"):
            writable.append(where)
    return not writable


def _pairs(lines: Iterable[str], between: str) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(between)
        yield name, value.strip()
