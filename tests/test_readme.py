"""The README keeps to its form, and what it links to is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)]+)\)")


def test_the_two_commands_come_first():
    first = README.split("```bash\n")[1].splitlines()
    assert [line.split()[:2] for line in first[:2]] == [["make", "benchmark"], ["make", "test"]]


def test_two_sentences_one_picture_and_at_most_ten_links():
    opening = README.partition("```")[0].partition("\n\n")[2]
    pictures = [target for mark, target in LINK.findall(README) if mark]
    links = [target for mark, target in LINK.findall(README) if not mark]
    assert len(re.findall(r"\.\s", opening)) == 2
    assert len(pictures) == 1
    assert len(links) <= 10
    assert [target for target in pictures + links if not (ROOT / target).is_file()] == []


def test_every_shipped_scenario_is_in_the_table():
    from p2p_market import scenario_ids

    page = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[1])]
    assert sorted(set(listed)) == scenario_ids()
