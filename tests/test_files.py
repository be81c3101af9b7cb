"""Files are complete or as before, whatever fails on the way."""

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from p2p_market import files
from p2p_market.files import (
    UNFINISHED,
    new_file,
    new_folder,
    safe_name,
    write_bytes,
    write_private,
    write_text,
)


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_the_name_after(tmp_path, monkeypatch):
    """After a power cut the old file is there or the new one, and never an empty one."""
    done = []
    sync, replace = os.fsync, Path.replace

    def synced(descriptor):
        done.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def renamed(self, new):
        done.append("renamed")
        return replace(self, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_bytes(tmp_path / "folder" / "file", b"content")
    temporary, *others = done
    assert re.fullmatch(rf"file\.{os.getpid()}-[0-9a-f]+\.part", temporary)
    assert others == ["renamed", "folder"]
    assert (tmp_path / "folder" / "file").read_bytes() == b"content"


def failing(self, *_):
    """A disk that is full after half of the bytes."""
    if isinstance(self, Path) and not self.exists():
        self.touch()
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("where", "call"), [(Path, "write_bytes"), (os, "fsync"), (Path, "replace")]
)
@pytest.mark.parametrize("before", [None, b"old"])
def test_what_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, where, call, before):
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
    with monkeypatch.context() as patch:
        patch.setattr(where, call, failing)
        with pytest.raises(OSError, match="No space left"):
            write_bytes(path, b"new")
    assert (path.read_bytes() if path.exists() else None) == before
    assert list(tmp_path.iterdir()) == ([] if before is None else [path])


def test_where_folders_cannot_be_synced_nobody_tries(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FOLDERS_SYNC", False)
    monkeypatch.setattr(os, "open", failing)
    files.sync_folder(tmp_path)


def test_a_private_file_is_never_anybody_elses(tmp_path, monkeypatch):
    modes = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: modes.append(os.fstat(descriptor).st_mode))
    write_private(tmp_path / "secret", "5e\n")
    assert [stat.S_IMODE(mode) for mode in modes] == [0o600]
    with pytest.raises(FileExistsError):
        write_private(tmp_path / "secret", "5f\n")
    assert (tmp_path / "secret").read_text() == "5e\n"


NAMES = [
    "truthful",
    "a:b_c",
    "a_b:c",
    "A:b_c",
    "Mine",
    "mine",
    "MINE",
    "x" * 5000,
    "x" * 5001,
    "y" * 211 + "/policy.onnx",
    "../../etc/passwd",
    "..",
    ".",
    "",
    "dots..",
    "dots",
    "dots.",
    " ",
    "a b",
    "a\nb",
    "a\0b",
    "\udcff",
    "\x1b[31m",
    "Zürich",
    "Zu\u0308rich",
    "市場",
    "con",
    "nul.npz",
    "a*b?c<d>|e",
]


def test_names_are_safe_bounded_and_different_also_where_capitals_do_not_count(tmp_path):
    found = [f"classic-v0--{safe_name(name)}.npz" for name in NAMES]
    found += [f"{safe_name('classic-v0', name)}.npz" for name in NAMES if name]
    assert safe_name("classic-v0", "truthful") == "classic-v0--truthful"
    assert safe_name("a", "b--c") != safe_name("a--b", "c:") != safe_name("a", "b--c:")
    for name in found:
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,150}[a-z0-9_-]\.npz", name), name
        write_bytes(tmp_path / name, b"")
    alone = [name.casefold() for name in found[: len(NAMES)]]
    assert len(set(alone)) == len(NAMES)
    assert {path.parent for path in tmp_path.rglob("*")} == {tmp_path}


def test_text_with_bytes_of_a_file_name_is_written(tmp_path):
    write_text(tmp_path / "file", "name \udcff €")
    assert (tmp_path / "file").read_bytes() == b"name \\udcff \xe2\x82\xac"


def test_a_name_that_is_taken_counts_up_and_nothing_is_replaced(tmp_path):
    (tmp_path / "t-run").mkdir()
    (tmp_path / "t-run" / "run.json").touch()
    (tmp_path / "t-2-run").touch()
    folders = [
        new_folder(tmp_path, "t", "run", lambda folder: write_text(folder / "run.json", "mine"))
        for _ in range(2)
    ]
    assert [folder.name for folder in folders] == ["t-3-run", "t-4-run"]
    assert (tmp_path / "t-run" / "run.json").read_bytes() == b""
    files_ = [new_file(tmp_path, "t", "run.json", "text") for _ in range(2)]
    assert [path.name for path in files_] == ["t-run.json", "t-2-run.json"]
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(UNFINISHED)]


def test_a_folder_that_cannot_be_filled_is_not_there(tmp_path):
    def fill(folder):
        assert folder.name.endswith(UNFINISHED)
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        new_folder(tmp_path, "t", "run", fill)
    assert list(tmp_path.iterdir()) == []
