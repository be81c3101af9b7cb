"""What was compiled is found again and never stale; where it cannot be kept, all works as well."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import pytest
from numba.core import config

from p2p_market import market
from p2p_market.compilation import folder, inner, kernel, store

ROOT = Path(__file__).resolve().parents[2]

HELPER = "from numba import njit\n@njit{options}\ndef helper(x):\n    return x {change}\n"
OUTER = """
from {by} import {by_name}
from helper import helper

@{by_name}{options}
def outer(x):
    return helper(x)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder of its own for compiled code."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "chosen"))
    return tmp_path / "chosen" / "p2p-market"


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Makes `outer` out of two files anew, as another process would."""

    def make(change, helper_options="", by="p2p_market.compilation", by_name="kernel", options=""):
        found = {}
        helper = HELPER.format(change=change, options=helper_options)
        outer = OUTER.format(by=by, by_name=by_name, options=options)
        for name, source in (("helper", helper), ("outer", outer)):
            path = tmp_path / f"{name}.py"
            path.write_text(source, encoding="utf-8")
            os.utime(path, (1e9, 1e9))  # no help from times
            found[name] = ModuleType(name)
            monkeypatch.setitem(sys.modules, name, found[name])
            exec(compile(source, str(path), "exec"), vars(found[name]))
        return found["outer"].outer

    return make


def ways_in(function):
    """Functions in machine code beside the compiled one itself."""
    (compiled,) = function.overloads.values()
    return len(list(compiled.library.get_defined_functions())) - 1


def hits(function):
    return sum(function.stats.cache_hits.values())


@pytest.mark.compiled
def test_old_code_never_runs(place, load):
    assert load("+ 1.0")(1.0) == 2.0
    again = load("+ 1.0")
    assert (again(1.0), hits(again)) == (2.0, 1)
    assert load("+ 2.0")(1.0) == 3.0  # another file was changed, with the same size and time
    back = load("+ 1.0")  # as after changing the branch twice
    assert (back(1.0), hits(back)) == (2.0, 1)
    assert {path.parent for path in place.parent.rglob("*.nb?")} == {place}


@pytest.mark.compiled
def test_what_compiled_functions_call_has_no_way_in_from_python_and_can_be_called_from_there():
    part = inner(lambda x: x + 1.0)
    whole = kernel(lambda x: 2.0 * part(x))
    assert (whole(1.0), part(2.0)) == (4.0, 3.0)
    assert [ways_in(one) for one in (whole, part, part.called)] == [1, 1, 0]


@pytest.mark.compiled
def test_a_mechanism_of_a_user_is_held_to_the_same(place, load):
    """Its kernel was declared with Numba alone, and so was what it calls."""
    plain = {"by": "numba", "by_name": "njit", "options": "(cache=True)"}
    for change, expected in (("+ 1.0", 2.0), ("+ 2.0", 3.0)):
        outer = load(change, "(cache=True)", **plain)
        rule = next(iter(market.MECHANISMS.values()))
        market.Mechanism(rule.clear, True, "strong", True, True, kernel=outer)
        assert outer(1.0) == expected


@pytest.mark.compiled
@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_damaged_files_are_compiled_again(place, load, ending):
    load("+ 1.0")(1.0)
    for path in place.glob(f"*.{ending}"):
        path.write_bytes(path.read_bytes()[:60])
    assert load("+ 1.0")(1.0) == 2.0
    again = load("+ 1.0")
    assert (again(1.0), hits(again)) == (2.0, 1)


@pytest.mark.compiled
def test_fields_of_a_tuple_in_another_order_are_other_code(place, monkeypatch):
    """The tuple is found by its module and name, as by another process after a change."""
    for names, expected in (("low high", 1.0), ("high low", 2.0)):
        pairs = ModuleType("pairs")
        pairs.Pair = namedtuple("Pair", names, module="pairs")
        monkeypatch.setitem(sys.modules, "pairs", pairs)
        low = store.kernel(lambda prices: prices.low)
        assert low(pairs.Pair(1.0, 2.0)) == expected


@pytest.mark.compiled
def test_a_disk_that_is_full_changes_nothing(place, load, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    assert load("+ 1.0")(1.0) == 2.0


def test_the_first_place_that_can_be_written_is_taken(tmp_path, monkeypatch):
    """A file stands where folders would have to be: nobody can write there, not even root."""
    file = tmp_path / "file"
    file.touch()
    tree, caches, temporary = (tmp_path / name for name in ("tree", "caches", "temporary"))
    temporary.mkdir()
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "chosen"))
    monkeypatch.setattr(store, "PACKAGE", tree)
    monkeypatch.setattr(store, "user_cache", lambda: caches)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert folder() == tmp_path / "chosen" / "p2p-market"
    monkeypatch.setattr(config, "CACHE_DIR", "")
    assert folder() == tree / "__pycache__" / "compiled"
    monkeypatch.setattr(store, "PACKAGE", file)
    assert folder() == caches / "compiled"
    monkeypatch.setattr(store, "user_cache", lambda: None)  # no home
    private = folder()
    assert private is not None
    assert private.parent == temporary
    assert private.stat().st_mode & 0o077 == 0
    private.chmod(0o777)  # somebody else could have put code there
    store._writable.cache_clear()
    assert folder() is None
    monkeypatch.setattr("tempfile.tempdir", str(file))
    assert folder() is None


READ_ONLY = """
import numpy as np, p2p_market
from p2p_market.compilation import folder
from p2p_market.community.reward import reward_kernel
out = np.zeros((1, 1))
reward_kernel(np.ones((1, 1, 1)), np.ones(1), 1.0, out)
print(folder(), out[0, 0])
"""


@pytest.mark.compiled
def test_a_package_on_a_disk_that_is_read_only(tmp_path):
    """A real mount, where this user may make one; `HOME` is no folder."""
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "p2p_market", tree / "p2p_market", ignore=ignored)
    (tree / "p2p_market" / "configs").symlink_to(ROOT / "configs")
    run = f"mount --bind '{tree}' '{tree}' && mount -o remount,bind,ro '{tree}' && exec "
    with_mount = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    if not shutil.which("unshare") or subprocess.run([*with_mount, run + "true"]).returncode:
        pytest.skip("this user may not mount")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA", "XDG"))}
    environment |= {"PYTHONPATH": str(tree), "HOME": "/dev/null", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [*with_mount, f"{run} '{sys.executable}' -c '{READ_ONLY}'"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    place, reward = done.stdout.split()
    assert (Path(place).parent, reward) == (tmp_path, "-1.0")


def ignored(_, names):
    return [name for name in names if name in ("__pycache__", "reference")]


def test_states_that_nobody_uses_are_removed(tmp_path):
    now, day = 1e9, store.DAY_S
    for number in range(12):
        for ending in ("nbi", "1.nbc"):
            path = tmp_path / f"auction.clear-{number:016x}.py311.{ending}"
            path.touch()
            os.utime(path, (now - 5 * day + number, now - 5 * day + number))
    for name in ("other.clear-00.py311.nbi", "auction.clear-ff.py311.nbi"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (now, now))
    store._tidy(tmp_path, now)
    left = sorted(path.name for path in tmp_path.glob("auction.clear-*.nbi"))
    assert len(left) == store.KEPT
    assert left[-1] == "auction.clear-ff.py311.nbi"
    assert len(list(tmp_path.glob("*.nbc"))) == store.KEPT - 1
    assert (tmp_path / "other.clear-00.py311.nbi").exists()


def test_nothing_in_the_package_is_kept_by_another_rule():
    files = (ROOT / "p2p_market").rglob("*.py")
    assert [p for p in files if "@njit(cache" in p.read_text("utf-8")] == []
