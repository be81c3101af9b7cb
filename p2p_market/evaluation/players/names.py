"""What a policy is asked for by, and what was probably meant where it is nothing."""

import difflib
import os
from pathlib import Path, PurePath
from typing import Final

from p2p_market.errors import PolicyError
from p2p_market.loading import lies_in
from p2p_market.registry import FILES, KNOWN, target_of

CHECKOUT: Final = (
    "baselines need a checkout of the repository and the extra that carries their solver, files of "
    "networks the extra onnx"
)


def is_file(name: str) -> bool:
    """Whether a policy is a file, by its ending."""
    return PurePath(name).suffix in FILES


def is_ours(name: str) -> bool:
    """Whether a name means code of this repository, and never that of a working folder."""
    return name in KNOWN or is_file(name)


def place_of(name: str) -> tuple[str, str]:
    """Module and factory of a policy.

    Raises:
        PolicyError: if the name cannot be that of a policy; it says what was probably meant.
    """
    if is_file(name) and not Path(name).is_file():
        raise PolicyError(f"no file {name!r}; `p2p-market train` writes one")
    module, colon, factory = target_of(name).partition(":")
    if meant := _meant(name, module, colon, factory):
        raise PolicyError(f"no policy {name!r}: {meant}")
    if not (module and factory) or not all(part.isidentifier() for part in module.split(".")):
        raise PolicyError(
            f"no policy {name!r}; known are: {', '.join(KNOWN)}, or give MODULE:FACTORY or a file "
            f"that ends in {', '.join(FILES)}"
        )
    return module, factory


def _meant(name: str, module: str, colon: str, factory: str) -> str:
    """The likely mistake, with its mend; empty if there is none to see."""
    path = Path(module)
    if path.suffix == ".py":
        return _of_code(path, factory or "FACTORY")
    if path.suffix.lower() in FILES and path.suffix not in FILES:
        return f"the ending is written {path.suffix.lower()}; rename the file"
    if module and not factory and (colon or lies_in(os.getcwd(), module)):
        return f"write {module}:FACTORY, with the function or class of {module} that makes it"
    if os.sep in module:
        return f"modules have dots; write {'.'.join(path.parts)}:{factory or 'FACTORY'}"
    before, dot, last = module.rpartition(".")
    if dot and not colon and lies_in(os.getcwd(), before):
        return f"write {before}:{last}"
    close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.7)
    return f"did you mean {close[0]!r}?" if close and not colon else ""


def _of_code(path: Path, factory: str) -> str:
    """How to name code in a file."""
    if not path.expanduser().is_file():
        return f"there is no file {str(path)!r}, and code is named as MODULE:FACTORY"
    inside = Path(os.path.relpath(path.expanduser()))
    parts = inside.with_suffix("").parts
    if ".." in parts:
        return f"go to the folder {str(path.parent)!r} and write {path.stem}:{factory}"
    return f"write {'.'.join(parts)}:{factory}"


def not_imported(name: str, module: str, error: ImportError) -> str:
    """Why a module could not be imported, and what to do."""
    said = f"policy {name!r}: cannot import {module!r} ({error})"
    if is_ours(name):
        return f"{said}; {CHECKOUT}"
    if error.name and (module == error.name or module.startswith(f"{error.name}.")):
        return f"{said}; it is neither in {os.getcwd()} nor installed"
    return f"{said}; the module itself is there, but not what it imports"
