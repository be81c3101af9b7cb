"""A package as it is used: its bytes, read once; what was hashed is what is played."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leaderboard.forms import read_toml
from leaderboard.package import archive
from leaderboard.package.curve import Curve, read_curve
from leaderboard.package.manifest import NAME, Draft, File, Manifest, files_text, read_manifest
from leaderboard.visible import visible
from p2p_market.errors import PackageError

HEADING: Final = "p2p-market-package/1\n"


@dataclass(frozen=True, slots=True)
class Package:
    """A submission in the right form; the gate checks its policies."""

    manifest: Manifest
    files: Mapping[str, bytes]  # of the policy, by name
    identity: str  # SHA-256 over what all files hold, the manifest included
    curve: Curve | None = None  # how the training went, as its author says


def read(path: Path) -> Package:
    """The package in a file; the file is read once and never looked at again.

    Raises:
        PackageError: if its form is not that of a package.
        OSError: if it cannot be read.
    """
    return from_bytes(packed(path))


def packed(path: Path) -> bytes:
    """The bytes of a zip, read only until it is known to be too large.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(archive.PACKED_BYTES + 1)


def from_bytes(data: bytes) -> Package:
    """The package in the bytes of a zip.

    Raises:
        PackageError: if its form is not that of a package.
    """
    files = archive.unpack(data)
    if NAME not in files:
        raise PackageError(f"no {NAME} in the package; `p2p-market leaderboard init` writes one")
    manifest = read_manifest(files[NAME])
    policy = {name: files[name] for name in sorted(files) if name != NAME}
    if list(manifest.files) != (found := listed(policy)):
        raise PackageError(_difference(manifest.files, found))
    name = manifest.training.curve
    curve = None if name is None else read_curve(name, policy.pop(name))
    return Package(manifest, policy, identity(files), curve)


def identity(files: Mapping[str, bytes]) -> str:
    """Digest over names and contents: packed differently, a package stays the same."""
    lines = [f"{file.path} {file.size} {file.sha256}\n" for file in listed(files)]
    return hashlib.sha256("".join([HEADING, *lines]).encode("ascii")).hexdigest()


def listed(files: Mapping[str, bytes]) -> list[File]:
    """Path, size and digest of files, in the order of their names."""
    return [
        File.model_construct(
            path=name, size=len(contents), sha256=hashlib.sha256(contents).hexdigest()
        )
        for name, contents in sorted(files.items())
    ]


def _difference(said: list[File], found: list[File]) -> str:
    """In which file the manifest and the package differ, and how to mend it."""
    there = {file.path: file for file in found}
    known = {file.path: file for file in said}
    mend = "pack it again with `p2p-market leaderboard pack`"
    for path in sorted(there.keys() | known.keys()):
        if path not in there:
            return f"{NAME}: files: {visible(path)!r} is not in the package; {mend}"
        if path not in known:
            return f"{path}: is not listed in {NAME}; {mend}"
        if there[path] != known[path]:
            return f"{path}: is not the file that {NAME} lists (size or SHA-256 differ); {mend}"
    return f"{NAME}: files: must be in the order of their names, each once; {mend}"


def pack_folder(folder: Path) -> bytes:
    """The zip of a folder: its `submission.toml`, completed with the list of files, and the files.

    Raises:
        PackageError: if the folder does not make a package.
        OSError: if it cannot be read.
    """
    files = {path.name: _contents(path) for path in sorted(folder.iterdir())}
    if NAME not in files:
        raise PackageError(f"{folder}: no {NAME}; `p2p-market leaderboard init` writes one")
    draft = files.pop(NAME)
    if b"[[files]]" in draft:
        raise PackageError(f"{NAME}: files: is written by `pack`; remove it")
    read_toml(NAME, draft, Draft)
    text = draft.rstrip() + b"\n" + files_text(listed(files)).encode("utf-8")
    data = archive.pack({**files, NAME: text})
    from_bytes(data)
    return data


def _contents(path: Path) -> bytes:
    """Of one regular file of the folder, and not more than a package may hold."""
    if path.is_symlink() or not path.is_file():
        raise PackageError(f"{path}: is not a regular file; a package is flat, move it elsewhere")
    with path.open("rb") as file:
        return file.read(archive.PACKED_BYTES + 1)
