"""What a process gives up before it meets a stranger's bytes, beyond the limits of the gate."""

import ctypes
import os
from contextlib import suppress
from typing import Final

_PARENT_DEATH: Final = 1  # PR_SET_PDEATHSIG
_NO_NEW_PRIVILEGES: Final = 38  # PR_SET_NO_NEW_PRIVS
_KILL: Final = 9
_USERS: Final = 0x10000000
_NETWORK: Final = 0x40000000
_MESSAGES: Final = 0x08000000  # between processes
_CAPABILITIES: Final = 0x20080522  # form of what capset takes: a process, three masks of 64 bits
_NOBODY: Final = 65534

LIMITS: Final = "limits"
NAMESPACES: Final = "namespaces"
EMPTY: Final = "empty root"
AS_ROOT: Final = "as root"
"""What may hold a process: always the limits; networks of its own and an empty folder, where the
system permits. `as root`: it was started by root and could not become nobody."""


def isolate() -> str:
    """Leave the machine's networks if the system permits it; end when the parent process ends.

    The limits alone open no socket either, for they leave no number for one. Root leaves without a
    namespace of users: in one it could not become the user nobody.

    Returns:
        What holds the process so far, for the record.
    """
    system = ctypes.CDLL(None, use_errno=True)
    _end_with_parent(system)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    wanted = _NETWORK | _MESSAGES | (0 if os.geteuid() == 0 else _USERS)
    return f"{LIMITS}, {NAMESPACES}" if system.unshare(wanted) == 0 else LIMITS


def forsake() -> list[str]:
    """Give up all folders but the current one, which is empty, and root, if it is root.

    A process that opens no file could still remove and rename files, and root could still start and
    end processes, because limits do not apply to root.

    Returns:
        What else holds the process, for the record.
    """
    system = ctypes.CDLL(None, use_errno=True)
    found = []
    with suppress(PermissionError):
        os.chroot(".")
        os.chdir("/")
        found.append(EMPTY)
    if os.geteuid() == 0:
        with suppress(OSError):  # where nobody is unknown it stays root, and the record says so
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    header, nothing = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    system.capset(header, nothing)
    _end_with_parent(system)  # who becomes another is not told of the parent's end
    return found if os.geteuid() else [*found, AS_ROOT]


def _end_with_parent(system: ctypes.CDLL) -> None:
    parent = os.getppid()
    system.prctl(_PARENT_DEATH, _KILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
