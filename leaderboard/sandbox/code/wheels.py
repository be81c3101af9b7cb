"""What a stranger's program may import: the interpreter's own library, and a list of wheels.

Of the wheels only their own folders and files are shown, never the folder in which they lie, so
nothing else that is installed there is inside.
"""

import sys
import sysconfig
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

OFFERED: Final = ("numpy", "scipy", "highspy", "cvxpy", "torch", "onnxruntime")
"""Published in `docs/submit-code.md`; what they need themselves comes with them."""
NEVER: Final = ("p2p-market",)


@lru_cache(maxsize=1)
def installed() -> dict[str, str]:
    """Name and version of every wheel that is inside, by name; those not installed are not."""
    return {name: found.version for name, found in sorted(_found().items())}


@lru_cache(maxsize=1)
def _found() -> dict[str, Distribution]:
    found: dict[str, Distribution] = {}
    todo = list(OFFERED)
    while todo:
        name = canonicalize_name(todo.pop())
        if name in found or name in NEVER:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                todo.append(needed.name)
    return found


@lru_cache(maxsize=1)
def places() -> dict[str, Path]:
    """Name beside which the wheels lie inside -> folder or file of this machine."""
    shown: dict[str, Path] = {}
    for found in _found().values():
        for file in found.files or ():
            first = file.parts[0]
            if first not in ("..", "__pycache__", "bin") and not first.endswith(".pth"):
                shown.setdefault(first, Path(str(found.locate_file(first))))
    return dict(sorted(shown.items()))


def interpreter() -> dict[str, Path]:
    """Place below the interpreter's prefix inside -> where it is on this machine."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    program = Path(sys.base_prefix, "bin", version).resolve()
    if not program.is_file():
        program = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    shown = {
        f"bin/{version}": program,
        f"lib/{version}": Path(sysconfig.get_path("stdlib")).resolve(),
    }
    library = Path(
        sysconfig.get_config_var("LIBDIR") or "/", sysconfig.get_config_var("LDLIBRARY") or ""
    )
    if ".so" in library.name and library.is_file():
        shown[f"lib/{sysconfig.get_config_var('INSTSONAME') or library.name}"] = library.resolve()
    return shown
