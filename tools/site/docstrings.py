"""Docstrings as Sphinx reads them: tables as text, fields of records with their words."""

import inspect
import re
from types import MemberDescriptorType
from typing import Any, Final

FIELD: Final = re.compile(r"^    (\w+): ([^=#\n]+?)(?: = [^#\n]*)?  # (.+)$", flags=re.MULTILINE)
CONSTANTS: Final = ("attribute", "data")
SLOT: Final = "SLOTS_ATTR"  # what autodoc puts in the place of a field that has no docstring
_written: dict[str, list[str]] = {}


def prepare(
    app: Any, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Show Markdown tables as text, and append the fields that have a comment beside them."""
    del app, options
    lines[:] = list(_tables_as_text(lines))
    if what in CONSTANTS:
        _written[name] = list(lines)
    if what == "class" and inspect.isclass(thing):
        found = FIELD.findall(_source(thing))
        if found:
            lines += ["", "Attributes:"]
            lines += [f"    {field} ({kind}): {words}" for field, kind, words in found]


def restore(
    app: Any, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Of constants as it was written: Napoleon takes what stands before a colon for a type."""
    del app, thing, options
    if what in CONSTANTS:
        lines[:] = _written.pop(name)


def is_slot(
    app: Any, what: str, name: str, thing: object, skip: bool, options: object
) -> bool | None:
    """Fields of records are no members too: they stand in "Variables" and in the signature."""
    del app, what, name, skip, options
    return True if isinstance(thing, MemberDescriptorType) or repr(thing) == SLOT else None


def _source(thing: type) -> str:
    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):  # made at run time
        return ""


def _tables_as_text(lines: list[str]) -> list[str]:
    shown: list[str] = []
    inside = False
    for line in lines:
        table = line.startswith("|")
        if table and not inside:
            shown += ["::", ""]
        shown.append(f"    {line}" if table else line)
        inside = table
    return shown
