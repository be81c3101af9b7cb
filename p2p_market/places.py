"""Folders of the user that this package writes to without being asked."""

import os
import sys
from pathlib import Path
from typing import Final

NAME: Final = "p2p-market"


def user_cache() -> Path | None:
    """Our folder among the user's caches, where the platform has them; None without a home."""
    try:
        if sys.platform == "win32":
            local = os.environ.get("LOCALAPPDATA")
            base = Path(local) if local else Path.home() / "AppData" / "Local"
        elif sys.platform == "darwin":
            base = Path.home() / "Library" / "Caches"
        else:
            chosen = os.environ.get("XDG_CACHE_HOME")
            base = Path(chosen).expanduser() if chosen else Path.home() / ".cache"
    except RuntimeError:  # neither HOME nor an entry in the list of users
        return None
    return base / NAME
