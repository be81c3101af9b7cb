"""`make` and the environment in `.venv`."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def made(folder: Path) -> subprocess.CompletedProcess[str]:
    """What the target does that makes the environment."""
    shutil.copy(ROOT / "Makefile", folder)
    command = ["make", ".venv/created.stamp", f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_an_environment_that_is_there_is_used_as_it_is(tmp_path):
    venv.create(tmp_path / ".venv", with_pip=False)
    (packages,) = (tmp_path / ".venv").rglob("site-packages")
    (packages / "pip.py").touch()
    (packages / "mine.py").touch()
    done = made(tmp_path)
    assert done.returncode == 0, done.stderr
    assert (packages / "mine.py").exists()
    assert (tmp_path / ".venv" / "created.stamp").exists()


def test_what_is_no_environment_is_refused_and_stays(tmp_path):
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "mine.txt").touch()
    done = made(tmp_path)
    assert done.returncode != 0
    assert "remove it and run make again" in done.stderr
    assert (tmp_path / ".venv" / "mine.txt").exists()
