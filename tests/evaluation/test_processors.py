"""As many processors as this process may use, and no more."""

import os

import pytest

from p2p_market.evaluation.running import processes
from p2p_market.evaluation.running.processes import processors


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Control groups of our own, in the place of the machine's."""
    monkeypatch.setattr(processes, "GROUPS", tmp_path)
    monkeypatch.setattr(processes, "own_group", lambda: "/batch/job")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    (tmp_path / "batch" / "job").mkdir(parents=True)
    return tmp_path


def test_affinity_counts_and_not_the_machine(groups, monkeypatch):
    assert processors() == 16
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert processors() == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert processors() == 1


@pytest.mark.parametrize(
    ("where", "text", "expected"),
    [
        ("batch/job", "max 100000", 16),
        ("batch/job", "400000 100000", 4),
        ("batch", "150000 100000", 2),
        (".", "50000 100000", 1),
        (".", "of another kind", 16),
    ],
)
def test_a_quota_of_any_group_above_counts(groups, where, text, expected):
    (groups / where / "cpu.max").write_text(text + "\n")
    assert processors() == expected
