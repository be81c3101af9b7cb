"""With which versions a run was made, and what it means where others are installed."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

PACKAGES: Final = ("p2p-market", "numpy", "numba", "pettingzoo", "cvxpy", "highspy", "clarabel")
SUMMING: Final = ("numpy", "numba")


def versions() -> dict[str, str]:
    """What this process runs with: Python and the packages that make the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def other_versions(record: Mapping[str, Any]) -> list[str]:
    """A sentence on the packages that sum in another order here than where a run was recorded."""
    told, here = record["versions"], versions()
    other = [name for name in SUMMING if told.get(name) not in (None, here[name])]
    if not other:
        return []
    there = ", ".join(f"{name} {told[name]}" for name in other)
    ours = ", ".join(f"{name} {here[name]}" for name in other)
    wanted = " ".join(f"{name}=={told[name]}" for name in other)
    return [
        f"recorded with {there}; here is {ours}: versions of these differ in the last digits of "
        f"their sums; pip install {wanted} to compare every digit"
    ]
