"""Packages for tests: good ones, and the parts to make bad ones of."""

import hashlib
import io
import zipfile

from leaderboard.package import archive
from leaderboard.package.manifest import NAME

RULE = b'rule = "truthful"\nmargin = 0.1\n'
DRAFT = """format = "p2p-market-submission/1"
name = "my-agent"
version = "0.1.0"
division = "policy"
authors = [{ name = "Ada Example" }]
policy = { kind = "rules" }
training = { summary = "None." }
citation = { title = "My agent", year = 2026 }
"""


def listing(files):
    """The end of a manifest that lists files as they are."""
    return "".join(
        f'[[files]]\npath = "{name}"\nsize = {len(contents)}\n'
        f'sha256 = "{hashlib.sha256(contents).hexdigest()}"\n'
        for name, contents in sorted(files.items())
    )


def manifest(files=None, draft=DRAFT):
    """A manifest as bytes."""
    return (draft + listing({"policy.toml": RULE} if files is None else files)).encode("utf-8")


def package(files=None, draft=DRAFT):
    """A package of rules, or of other files."""
    files = {"policy.toml": RULE} if files is None else files
    return archive.pack({NAME: manifest(files, draft), **files})


def zipped(*members, method=zipfile.ZIP_STORED):
    """What Python's own zipfile makes of (name or ZipInfo, contents), whatever they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, contents in members:
            file.writestr(name, contents, method)
    return buffer.getvalue()


GOOD = (("policy.toml", RULE), (NAME, manifest()))
"""Members of a good package."""
