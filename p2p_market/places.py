"""Folders of the user: for caches, and behind `~`."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from p2p_market.errors import P2PMarketError

NAME: Final = "p2p-market"
PATH: Final = re.compile(r"([\w-]+=)?(~(?:/.*)?)", flags=re.DOTALL)


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


def expanded(text: str) -> str:
    """A path, or OPTION=PATH, with the home folder in the place of `~`; other texts as they are.

    Raises:
        P2PMarketError: if there is no such home.
    """
    match = PATH.fullmatch(text)
    if match is None:
        return text
    option, path = match[1] or "", match[2]
    if (found := os.path.expanduser(path)) == path:
        raise P2PMarketError(f"{path}: no home folder is known; write the whole path, or set HOME")
    return f"{option}{found}"


@contextmanager
def staying() -> Iterator[None]:
    """Wherever the block goes, afterwards this process is in the folder in which it was.

    Names of modules and relative paths mean the same after somebody else's code as before.
    """
    before = None
    with suppress(OSError):  # the folder may be gone
        before = os.getcwd()
    try:
        yield
    finally:
        if before is not None:
            with suppress(OSError):
                os.chdir(before)
