"""Files that are complete or not there at all."""

import os
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary name in the same folder, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text to a temporary name in the same folder, then rename."""
    write_bytes(path, text.encode("utf-8"))


def safe_name(text: str) -> str:
    """A text as part of a file's name: letters, digits, `-`, `_` and `.` stay."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in text)
