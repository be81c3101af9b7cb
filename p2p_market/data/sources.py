"""Where the arrays of a data set come from: the package, the generator, or the user's cache.

A name is `de2018`, `synthetic`, `synthetic:7` (a seed), `ca2017`, or one of these with a price year
that replaces its day-ahead prices, `de2018+nl2022` or `de2018+synthetic-crisis:7`; a price year
alone is based on `de2018`. `own:<name>` is what the user imported: a set whose missing arrays are
those of `de2018`, and behind a plus its day-ahead prices.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from p2p_market.data import synthetic
from p2p_market.errors import DataError
from p2p_market.files import expanded, user_cache

FOLDER: Final = Path(__file__).resolve().parent
EMBEDDED: Final = ("de2018",)
GENERATED: Final = ("synthetic",)
PRICE_YEARS: Final = tuple(f"nl{year}" for year in range(2015, 2025))
FETCHED: Final = ("ca2017", *PRICE_YEARS)
SETS: Final = (*EMBEDDED, *GENERATED, "ca2017")  # those that stand alone
PRICES: Final = (*synthetic.PRICE_LAWS, *PRICE_YEARS)
OWN: Final = "own"
OWN_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PRICE_ARRAY: Final = "day_ahead_eur_per_mwh"
MARKET_PREFIX: Final = "market_"
"""Of imported arrays that only the track `battery` reads."""
DONOR_PREFIX: Final = "donor_"
OWN_LOADS: Final = "user_load_kw"
BASE: Final = "de2018"
"""Whose arrays stand in for what an imported set lacks."""
CACHE_VARIABLE: Final = "P2P_MARKET_DATA"

Arrays = Mapping[str, NDArray[Any]]
Card = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    """Card and arrays of a data set."""

    card: Card
    arrays: Arrays


def cache_folder(chosen: Path | None = None) -> Path:
    """Where fetched data are: as chosen, `P2P_MARKET_DATA`, or the platform's folder for caches.

    Raises:
        DataError: if nothing is chosen and the user has no home.
    """
    if wanted := str(chosen or "") or os.environ.get(CACHE_VARIABLE):
        return Path(expanded(wanted))
    if (folder := user_cache()) is None:
        raise DataError(
            f"this user has no home folder for fetched data; set {CACHE_VARIABLE} to a folder"
        )
    return folder


def split_name(name: str) -> tuple[str, str]:
    """Base set and price year of a name; the latter is empty without one.

    Raises:
        DataError: if either is unknown or a seed is not a whole number.
    """
    base, _, prices = name.partition("+")
    if not prices and base in PRICE_YEARS:
        base, prices = BASE, base
    for part, known in ((base, SETS), (prices, PRICES)):
        if is_own(part):
            continue
        family = part.partition(":")[0]
        if family not in known and (part or known is SETS):
            raise DataError(f"no data set {part!r}; known: {', '.join(known)}, {OWN}:<name>")
        seed_of(part)
    return base, prices


def is_own(name: str) -> bool:
    """Whether a name is that of an imported set."""
    family, _, own = name.partition(":")
    return family == OWN and OWN_NAME.fullmatch(own) is not None


def seed_of(name: str) -> int:
    """The seed after the colon in a name, else 0; only generated series have seeds."""
    family, colon, text = name.partition(":")
    if not colon:
        return 0
    if family not in (*GENERATED, *synthetic.PRICE_LAWS) or not text.isdecimal():
        raise DataError(f"{name!r}: only generated data have a seed, like synthetic:7")
    return int(text)


def read_card(name: str) -> Card:
    """Sources, labels, licences and digests of a data set.

    Raises:
        DataError: if the name is unknown, not fetched yet, or its file damaged.
    """
    base, prices = split_name(name)
    own = _base_card(base)
    if not prices:
        return own
    entry = _price_contents(prices).card["arrays"][PRICE_ARRAY]
    return _overlaid(own, name, {PRICE_ARRAY: entry})


def _base_card(base: str) -> Card:
    if base in EMBEDDED:
        return embedded_card(base)
    card = _contents(base).card
    return _overlaid(embedded_card(BASE), base, card["arrays"]) if is_own(base) else card


def _overlaid(below: Card, name: str, above: Mapping[str, Any]) -> Card:
    """Card of a set whose other arrays are those of another."""
    own = {key: above[key] for key in sorted(above) if not key.startswith(MARKET_PREFIX)}
    text = " ".join([below["digest"], *(entry["sha256"] for entry in own.values())])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {
        **below,
        "name": name,
        "digest": digest,
        "arrays": {**_without_donors(below["arrays"], own), **own},
    }


def _without_donors(below: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """What an imported set takes from another: no donors where it has loads of its own."""
    if OWN_LOADS not in own:
        return below
    return {key: value for key, value in below.items() if not key.startswith(DONOR_PREFIX)}


def read_arrays(name: str) -> Arrays:
    """Arrays of a data set by name, as stored."""
    base, prices = split_name(name)
    own = _base_arrays(base)
    if not prices:
        return own
    return {**own, PRICE_ARRAY: _price_contents(prices).arrays[PRICE_ARRAY]}


def _base_arrays(base: str) -> Arrays:
    if base in EMBEDDED:
        return embedded_arrays(base)
    arrays = _contents(base).arrays
    if not is_own(base):
        return arrays
    own = {key: value for key, value in arrays.items() if not key.startswith(MARKET_PREFIX)}
    return {**_without_donors(embedded_arrays(BASE), own), **own}


def _contents(name: str) -> Contents:
    if name in FETCHED or is_own(name):
        return read_cached(name, cache_folder())
    return _generated(seed_of(name))


def _price_contents(name: str) -> Contents:
    if name not in FETCHED and not is_own(name):
        return _generated_prices(name.partition(":")[0], seed_of(name))
    contents = read_cached(name, cache_folder())
    if PRICE_ARRAY not in contents.arrays:
        raise DataError(f"{name} was imported without prices; import them with --price FILE")
    return contents


def embedded_card(name: str) -> Card:
    """Card of a set that is in the package.

    Raises:
        DataError: if the file cannot be read.
    """
    path = FOLDER / f"{name}.json"
    try:
        content: Card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); install the package again") from error
    return content


def embedded_arrays(name: str) -> Arrays:
    """Arrays of a set that is in the package.

    Raises:
        DataError: if the file cannot be read.
    """
    path = FOLDER / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); install the package again") from error


@lru_cache(maxsize=2)
def _generated(seed: int) -> Contents:
    arrays = synthetic.generate(seed)
    return Contents(make_card(f"synthetic:{seed}", arrays, _GENERATED_ENTRY), arrays)


@lru_cache(maxsize=4)
def _generated_prices(law: str, seed: int) -> Contents:
    arrays = {PRICE_ARRAY: synthetic.prices(seed, law)}
    return Contents(make_card(f"{law}:{seed}", arrays, _GENERATED_ENTRY), arrays)


_GENERATED_ENTRY: Final = {
    "label": "synthetic",
    "source": f"p2p_market.data.synthetic, version {synthetic.VERSION}",
    "licence": "Apache-2.0",
    "attribution": "The p2p_market developers",
}


def make_card(
    name: str,
    arrays: Arrays,
    common: Mapping[str, Any],
    entries: Mapping[str, Mapping[str, Any]] | None = None,
) -> Card:
    """Card of a set that is not embedded, with a digest per array and one over name and all.

    Args:
        name: of the set, with its seed if it has one.
        arrays: what it holds.
        common: label, source, licence and attribution of every array.
        entries: what differs from `common`, per array.
    """
    special = entries or {}
    described = {
        key: {**common, **special.get(key, {}), "dtype": str(array.dtype)}
        | {"shape": list(array.shape), "sha256": content_digest(key, array)}
        for key, array in sorted(arrays.items())
    }
    text = " ".join([name, common["source"], *(entry["sha256"] for entry in described.values())])
    return {
        "name": name,
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "arrays": described,
    }


def content_digest(name: str, array: NDArray[Any]) -> str:
    """SHA-256 over name, dtype, shape and bytes of an array."""
    digest = hashlib.sha256(f"{name} {array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def cached_path(name: str, folder: Path) -> Path:
    """File of a fetched or imported set."""
    return folder / f"{name.replace(':', '-')}.npz"


def write_cached(folder: Path, contents: Contents) -> Path:
    """Write a set to the cache: to a temporary name, then renamed."""
    name = contents.card["name"]
    folder.mkdir(parents=True, exist_ok=True)
    path = cached_path(name, folder)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, card=np.array(json.dumps(contents.card)), **contents.arrays)  # type: ignore[arg-type]
    temporary.replace(path)
    return path


def stored_digest(name: str) -> str:
    """What lies in the cache of a set's parts now; a set that was imported again is another.

    Only cards are read, nothing is checked; what is missing or damaged counts as nothing.
    """
    found = []
    for part in name.split("+"):
        if part in FETCHED or is_own(part):
            try:
                path = cached_path(part, cache_folder())
                with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                    found.append(str(json.loads(str(archive["card"]))["digest"]))
            except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, DataError):
                found.append("")
    return "+".join(found)


def read_cached(name: str, folder: Path) -> Contents:
    """Read a set from the cache and check every digest.

    Raises:
        DataError: if it was never fetched or imported, or is damaged.
    """
    path, mend = cached_path(name, folder), f"fetch it with: p2p-market data fetch {name}"
    if is_own(name):
        own = name.partition(":")[2]
        mend = f"import it with: p2p-market data import {own} --load FILE ..., or --markets FILE"
    if not path.is_file():
        raise DataError(f"{name} is not on this machine ({path}); {mend}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = dict(archive)
        card: Card = json.loads(str(arrays.pop("card")))
        expected = {key: entry["sha256"] for key, entry in card["arrays"].items()}
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error}); {mend}") from error
    found = {key: content_digest(key, array) for key, array in arrays.items()}
    if wrong := sorted(set(found.items()) ^ set(expected.items())):
        raise DataError(f"{path}: array {wrong[0][0]!r} is damaged; {mend}")
    return Contents(card, arrays)
