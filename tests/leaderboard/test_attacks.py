"""Every attack of the catalogue is tried by a test, and the documents say by which."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs" / "leaderboard-security.md"
ROW = re.compile(r"^\| ([ABCD]\d\d) \| .+ \| .+ \| ([a-z_, ]+) \|$", flags=re.MULTILINE)
PROMISED = {
    *(f"A{number:02}" for number in range(1, 10)),
    *(f"D{number:02}" for number in range(1, 53)),
    "B05", "B06", "B08", "B10", "B13", "B14", "B15", "B16", "C01", "C02", "C04", "C05", "C06",
}  # fmt: skip


def tried():
    """Attack -> the files whose tests are marked with it."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        for attack in marked(ast.parse(path.read_text("utf-8"))):
            found.setdefault(attack, set()).add(path.stem.removeprefix("test_"))
    return found


def marked(tree):
    """Attacks that the tests of a file are marked with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for mark in node.decorator_list:
                if ast.unparse(mark).startswith("pytest.mark.attack("):
                    yield from (argument.value for argument in mark.args)


def listed():
    """Attack -> the files that the documents name."""
    rows = ROW.findall(DOCS.read_text("utf-8"))
    return {attack: set(files.split(", ")) for attack, files in rows}


def test_every_attack_has_a_test_and_a_line_in_the_documents():
    assert tried() == listed()


def test_none_of_the_promised_attacks_is_missing():
    assert PROMISED - tried().keys() == set()


def test_a_mark_counts_on_a_test_alone():
    written = """
@pytest.mark.attack("Z01", "Z02")
def test_one(): ...
@pytest.mark.attack("Z03")
def helper(): ...
def test_two():
    pytest.mark.attack("Z04")
"""
    assert list(marked(ast.parse(written))) == ["Z01", "Z02"]
