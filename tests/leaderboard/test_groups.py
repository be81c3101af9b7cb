"""Control groups: what is written into a fresh one, and where none can be made."""

from pathlib import Path

import pytest

from leaderboard.sandbox.code import groups, held
from leaderboard.sandbox.code.process import _shares
from leaderboard.season.season import Limits
from tests.leaderboard.bubble import needs_bubblewrap

MOST = _shares(Limits(memory_mb=256))


@pytest.fixture
def root(tmp_path):
    """A system with a group that passes on what is needed, and the group of the evaluator."""
    for name, passed_on in (("", "cpu"), ("slice", "cpu memory pids"), ("slice/mine", "")):
        (tmp_path / "root" / name).mkdir()
        (tmp_path / "root" / name / "cgroup.subtree_control").write_text(passed_on + "\n")
        (tmp_path / "root" / name / "cgroup.procs").write_text("")
    (tmp_path / "own").write_text("12:cpu:/other\n0::/slice/mine\n")
    return tmp_path / "root"


def test_limits_are_written_into_a_fresh_group(root):
    above = groups.above(root, root.parent / "own")
    assert above == root / "slice"
    own = groups.fresh(above, 4711, MOST)
    assert own.parent == root / "slice"
    written = {path.name: path.read_text() for path in own.iterdir()}
    assert written == {
        "memory.max": str(640 * 2**20), "memory.swap.max": "0", "pids.max": "64",
        "cpu.max": "100000 100000", "cgroup.procs": "4711",
    }  # fmt: skip


@pytest.mark.parametrize("lacking", [*groups.MOST, "nothing"])
def test_a_group_without_a_limit_does_not_count(root, lacking):
    own = groups.fresh(root / "slice", 4711, MOST)
    if lacking != "nothing":
        (own / lacking).write_text("max\n")
    told = root.parent / "proc" / "4711"
    told.mkdir(parents=True)
    (told / "cgroup").write_text(f"0::/slice/{own.name}\n")
    assert groups.limits(4711, root, told.parent) == (lacking == "nothing")
    assert not groups.limits(4712, root, told.parent)


def test_without_such_groups_the_other_limits_hold_alone(root):
    own = root.parent / "own"
    (root / "slice" / "cgroup.subtree_control").write_text("cpu pids")  # no memory
    assert groups.above(root, own) is None
    for told in ("4:memory:/slice\n", "0::/../../elsewhere\n", "0::/gone\n", ""):
        own.write_text(told)
        assert groups.above(root, own) is None
    assert groups.above(root, root / "no such file") is None
    assert groups.fresh(None, 1, MOST) is None


def test_limits_that_a_group_does_not_have_are_left_out(root, monkeypatch):
    own = Path.write_text

    def refused(path, text, encoding):
        if path.name in groups.BESIDE:
            raise FileNotFoundError
        own(path, text, encoding)

    monkeypatch.setattr(Path, "write_text", refused)
    found = groups.fresh(root / "slice", 4711, MOST)
    assert {path.name for path in found.iterdir()} == {*groups.MOST, groups.MEMBERS}


def test_a_group_that_takes_no_limit_is_not_left_behind(root, monkeypatch):
    def refused(path, text, encoding):
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refused)
    assert groups.fresh(root / "slice", 4711, MOST) is None
    assert not list((root / "slice").glob("p2p-market-*"))


@pytest.mark.skipif(groups.above() is None, reason="no control group may be made here (cgroup v2)")
def test_a_group_of_this_system_holds_a_program():
    from tests.leaderboard.attacked import HONEST, ask, process

    needs_bubblewrap()
    with process(HONEST) as asked:
        ask(asked)
        group = asked._group
        assert held.GROUP in asked.level
        assert group is not None
        assert (group / "memory.max").read_text().strip() == MOST["memory.max"]
    assert not group.exists()


def test_memory_that_is_held_is_that_of_no_file(tmp_path):
    (tmp_path / "7").mkdir()
    lines = "VmRSS:\t 9000 kB\nRssAnon:\t 1024 kB\nRssFile: 5000 kB\nRssShmem: 2 kB\nVmSwap: 1 kB\n"
    (tmp_path / "7" / "status").write_text(lines)
    assert held.resident_bytes(7, tmp_path) == 1027 * 1024
    assert held.resident_bytes(8, tmp_path) == 0
