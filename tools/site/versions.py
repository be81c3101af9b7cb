"""Which versions of the pages stand beside each other."""

import json
import re
from pathlib import Path


def found(folder: Path) -> list[str]:
    """Names of the built versions, the newest first."""
    known = [path.parent.name for path in folder.glob("[0-9]*/index.html")]
    return sorted(known, key=lambda name: [int(one) for one in re.findall(r"\d+", name)])[::-1]


def names(folder: Path) -> bytes:
    """What the switcher of each page reads: the versions, with paths beside its own folder."""
    return json.dumps(found(folder)).encode("utf-8")


def redirect(folder: Path) -> bytes:
    """A page that leads to the newest version."""
    newest = found(folder)[0]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>p2p_market</title>'
        f'<meta http-equiv="refresh" content="0; url={newest}/index.html">'
        f'<a href="{newest}/index.html">p2p_market {newest}</a></html>\n'
    ).encode()
