"""Write the pages of a season into a folder: the same season, the same bytes."""

import hashlib
import re
from pathlib import Path
from typing import Final

from leaderboard.site import content
from leaderboard.site.content import Site
from leaderboard.site.pages import render
from p2p_market.errors import SiteError
from p2p_market.files import write_bytes

SUMS: Final = "SHA256SUMS"
OURS: Final = re.compile(r"(?:(?:entries|records)/)?[a-z0-9][a-z0-9.-]*\.(?:html|json|bib|csv)")


def files(site: Site) -> dict[str, bytes]:
    """Everything that is written, by its path in the folder.

    Raises:
        SiteError: if an entry's id cannot be the name of a file.
    """
    content.check(site)
    found = {name: text.encode() for name, text in render(site).items()}
    for entry in site.entries:
        found[f"records/{entry.row.id}.bib"] = entry.bibtex.encode()
        if entry.record:
            found[f"records/{entry.row.id}.json"] = entry.record
    found |= dict(site.exports)
    found[SUMS] = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(found.items())
    ).encode()
    return found


def write(site: Site, folder: Path) -> list[Path]:
    """Write the pages; what an earlier build left and this one has not is removed.

    Raises:
        SiteError: if the folder holds something that no build has written.
    """
    new = files(site)
    for name in sorted(_earlier(folder) - new.keys()):
        (folder / name).unlink(missing_ok=True)
    for name, data in new.items():
        write_bytes(folder / name, data)
    return [folder / name for name in new]


def _earlier(folder: Path) -> set[str]:
    """Files of an earlier build, by its list."""
    if not folder.exists() or not any(folder.iterdir()):
        return set()
    try:
        lines = (folder / SUMS).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise SiteError(f"{folder}: holds no pages and is not empty; name a new folder") from None
    return {name for line in lines if OURS.fullmatch(name := line[66:])}
