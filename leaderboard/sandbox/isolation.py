"""What a process gives up before it meets a stranger's bytes, beyond the limits of the gate."""

import ctypes
import os
from typing import Final

_PARENT_DEATH: Final = 1  # PR_SET_PDEATHSIG
_NO_NEW_PRIVILEGES: Final = 38  # PR_SET_NO_NEW_PRIVS
_KILL: Final = 9
_NAMESPACES: Final = 0x10000000 | 0x40000000 | 0x08000000  # user, network, ipc

LIMITS: Final = "limits"
NAMESPACES: Final = "limits, namespaces"


def isolate() -> str:
    """Leave the machine's networks if the system permits it; end with whoever started this.

    The limits alone open no socket either, for they leave no number for one.

    Returns:
        What holds the process, for the record.
    """
    system = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid()
    system.prctl(_PARENT_DEATH, _KILL, 0, 0, 0)
    system.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    return NAMESPACES if system.unshare(_NAMESPACES) == 0 else LIMITS
