"""`SHA256SUMS` of an entry: a digest for each of its files, as `sha256sum --check` reads them."""

import hashlib
import re
from pathlib import Path
from typing import Final

from leaderboard.visible import visible
from p2p_market.files import write_bytes

NAME: Final = "SHA256SUMS"
LINE: Final = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9][A-Za-z0-9._/-]*)", flags=re.ASCII)


def write(folder: Path) -> str:
    """Write the list of a folder; its digest."""
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted(_found(folder).items()))
    write_bytes(folder / NAME, text.encode("ascii"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def differences(folder: Path, digest: str) -> list[str]:
    """Which files are not those of the list, and whether the list is the one with this digest."""
    try:
        text = (folder / NAME).read_bytes()
    except OSError:
        return [f"{NAME}: cannot be read; take it from the published season"]
    if hashlib.sha256(text).hexdigest() != digest:
        return [f"{NAME}: was changed since the evaluation"]
    listed = {}
    for line in text.decode("latin-1").splitlines():
        match = LINE.fullmatch(line)
        if match is None:
            return [f"{NAME}: {visible(line)!r} is not a line of such a list"]
        listed[match[2]] = match[1]
    found = _found(folder)
    return [
        f"{visible(name, 200)}: {_what(listed.get(name), found.get(name))}"
        for name in sorted(listed.keys() | found.keys())
        if listed.get(name) != found.get(name)
    ]


def _what(listed: str | None, found: str | None) -> str:
    """How a file differs."""
    if found is None:
        return "is missing"
    return (
        "was added since the evaluation" if listed is None else "was changed since the evaluation"
    )


def _found(folder: Path) -> dict[str, str]:
    """Name of each file below a folder -> its digest."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / NAME
    }
