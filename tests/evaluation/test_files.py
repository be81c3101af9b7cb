"""Files are complete or as before, whatever fails on the way."""

import errno
import os
import re
import stat
from pathlib import Path

import pytest

from p2p_market.evaluation import files
from p2p_market.evaluation.files import write_bytes, write_private


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
