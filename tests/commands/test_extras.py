"""Every extra stands in the table of the commands, with what needs it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_extras_is_complete():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    section = page.partition("## Extras")[2].partition("## ")[0]
    listed = re.findall(r"^\| `([\w-]+)` \|", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted(extras["optional-dependencies"])
