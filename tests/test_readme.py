"""The README's examples run as they stand."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def test_the_two_commands_come_first():
    first = README.split("```bash\n")[1].splitlines()
    assert [line.split()[:2] for line in first[:2]] == [["make", "benchmark"], ["make", "test"]]


@pytest.mark.compiled
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_example_runs(number, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[number], f"README.md, example {number}", "exec"), {})


def test_every_shipped_scenario_is_in_the_table():
    from p2p_market import scenario_ids

    rows = [line for line in README.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])]
    assert sorted(listed) == scenario_ids()
