"""Files that are complete or not there at all, safe names for them, and the user's folders."""

import hashlib
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

from p2p_market.errors import P2PMarketError

NAME: Final = "p2p-market"
"""Of our folder among the user's caches."""

HOME_PATH: Final = re.compile(r"([\w-]+=)?(~(?:/.*)?)", flags=re.DOTALL)
"""A path behind `~`, alone or as the value of an option."""

FOLDERS_SYNC: Final = os.name == "posix"
"""Elsewhere a folder cannot be opened."""

UNFINISHED: Final = ".part"
"""Ending of temporary names; what a killed run leaves has it, and nobody reads it."""

LONGEST_NAME: Final = 120
"""Letters of a safe name; file systems take 255 bytes, with the endings added here."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary name in the same folder, then rename.

    When this returns the file is on the disk; after a power cut the old one is there or the new.

    Raises:
        OSError: if it could not be written; the old file is there as before, and nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(_temporary(path.name))
    try:
        temporary.write_bytes(content)
        sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner reads, from its first byte on.

    Raises:
        FileExistsError: if there is one; it is left as it is.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Have the system bring a file's content to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """The same with the names in a folder."""
    if not FOLDERS_SYNC:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to a temporary name in the same folder, then rename.

    A file's name may hold bytes that are not UTF-8; they are written as escapes.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def check_writable(folder: Path) -> None:
    """Make a folder if there is none, and write a few bytes that vanish at once.

    Raises:
        OSError: if nothing can be written there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"0" * 4096)
        file.flush()


def new_folder(parent: Path, stamp: str, title: str, fill: Callable[[Path], object]) -> Path:
    """A new folder `STAMP-TITLE` that gets its name when all of its content is there.

    Where the name is taken it is `STAMP-2-TITLE`, and so on: also between processes, no run ever
    writes into the folder of another.

    Args:
        fill: writes the content into the folder that it is given.

    Raises:
        OSError: if it cannot be made; then nothing of it is left.
    """
    temporary = parent / f".{_temporary(f'{stamp}-{title}')}"
    temporary.mkdir(parents=True)
    try:
        fill(temporary)
        path = _first_free(temporary, stamp, title, temporary.rename)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(parent)
    return path


def new_file(parent: Path, stamp: str, title: str, text: str) -> Path:
    """The same for a file with UTF-8 text."""
    temporary = parent / f".{_temporary(f'{stamp}-{title}')}"
    try:
        write_text(temporary, text)
        path = _first_free(temporary, stamp, title, lambda path: os.link(temporary, path))
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(parent)
    return path


def _first_free(beside: Path, stamp: str, title: str, take: Callable[[Path], object]) -> Path:
    """Take the first name that is free; neither renaming a folder nor linking replaces content."""
    for number in count(1):
        path = beside.with_name("-".join([stamp, *[str(number)] * (number > 1), title]))
        try:
            take(path)
        except OSError:
            if not os.path.lexists(path):
                raise
        else:
            return path
    raise AssertionError


def _temporary(name: str) -> str:
    """A name that no other process has, also in another container on the same disk."""
    return f"{name}.{os.getpid()}-{secrets.token_hex(4)}{UNFINISHED}"


def safe_name(*words: str) -> str:
    """Words as part of a file's name, of bounded length, different for different words.

    ASCII letters, digits, `-`, `_` and `.` stay; whatever is lost by that, by length or on disks
    that do not tell capitals apart is made up for by a digest.
    """
    text = "--".join(words)
    kept = re.sub(r"[^A-Za-z0-9._-]", "_", text)
    if kept == text == text.lower() and len(text) <= LONGEST_NAME and not text.endswith("."):
        return text
    digest = hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{kept[: LONGEST_NAME - 13].rstrip('.')}-{digest}"


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
    match = HOME_PATH.fullmatch(text)
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
