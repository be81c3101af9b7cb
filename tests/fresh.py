"""A Python environment of its own: without the checkout, and without what is installed here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from p2p_market import compilation
from p2p_market.files import NAME

ROOT = Path(__file__).resolve().parent.parent
PINS = ("--constraint", ROOT / "constraints.txt")
HIDDEN = ("PYTHONPATH", "NUMBA_DISABLE_JIT", "VIRTUAL_ENV")


def run(
    *command: str | Path, cwd: Path, code: int = 0, more: Mapping[str, str] | None = None
) -> str:
    """Output of a command that must end so.

    Args:
        more: variables of its environment.
    """
    own = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    own |= more or {}
    done = subprocess.run(command, cwd=cwd, env=own, capture_output=True, text=True)
    assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout if code == 0 else done.stderr


def environment(folder: Path, *installed: Iterable[str | Path]) -> Path:
    """Folder of the commands of a new environment.

    Args:
        folder: in which it is made.
        installed: arguments of `pip install`, one call after the other.
    """
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    for wanted in installed:
        pip = ("-m", "pip", "install", "--quiet", "--no-compile")
        run(scripts / "python", *pip, *wanted, cwd=folder)
    return scripts


def keep_compiled(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """What the checkout has compiled, where an installed package looks for its own."""
    if (kept := compilation.folder()) is not None:
        unfinished = shutil.ignore_patterns("*.tmp.*")
        shutil.copytree(kept, folder / "kept" / NAME, ignore=unfinished)
        patch.setenv("NUMBA_CACHE_DIR", str(folder / "kept"))
