"""Files that are complete or not there at all."""

import os
from pathlib import Path
from typing import Final

FOLDERS_SYNC: Final = os.name == "posix"
"""Elsewhere a folder cannot be opened."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary name in the same folder, then rename.

    When this returns the file is on the disk; after a power cut the old one is there or the new.

    Raises:
        OSError: if it could not be written; the old file is there as before, and nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
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
    """Write UTF-8 text to a temporary name in the same folder, then rename."""
    write_bytes(path, text.encode("utf-8"))


def safe_name(text: str) -> str:
    """A text as part of a file's name: letters, digits, `-`, `_` and `.` stay."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in text)
