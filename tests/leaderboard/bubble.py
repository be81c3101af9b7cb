"""Whether code can be played here, and by which interpreter an ordinary user can play it."""

import os
import shutil
import sys
from functools import lru_cache
from pathlib import Path

import pytest

ORDINARY = 65533
"""A user that owns nothing."""


@lru_cache(maxsize=1)
def missing():
    """Why no code can be played here; "" if it can."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return "needs bubblewrap: apt-get install bubblewrap"
    from p2p_market.errors import P2PMarketError
    from tests.leaderboard.attacked import honest

    try:
        honest()
    except P2PMarketError as error:
        return str(error)
    return ""


def needs_bubblewrap():
    """Skips what is asked for, with the reason."""
    if reason := missing():
        pytest.skip(reason)


def interpreter_for_all():
    """An interpreter of this version that every user may start; None if there is none."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = [
        Path(sys.executable).resolve(),
        *(Path(one, name) for one in ("/usr/bin", "/usr/local/bin")),
    ]
    for path in found:
        open_to_all = path.is_file() and all(one.stat().st_mode & 0o001 for one in path.parents)
        if open_to_all and os.access(path, os.X_OK):
            return path
    return None
