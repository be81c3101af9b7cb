"""The screen: any text, on any terminal, through any pipe.

Text of users is shown as it is written: nothing in it is markup, and no control character of it
reaches the terminal. Letters that the terminal lacks become question marks. A reader that leaves
early, as `head` does, is no failure.
"""

import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

CONTROLS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What moves the cursor, starts an escape sequence, turns the direction, or is half a letter."""

NARROW: Final = 10
"""Cells that a name keeps beside numbers."""


def visible(text: str) -> str:
    """A text with escapes in the place of control characters."""
    return CONTROLS.sub(lambda found: ascii(found[0])[1:-1], text)


class Screen(Console):
    """A terminal or a pipe that shows text as it is written."""

    def __init__(self, stderr: bool = False) -> None:
        """Of standard output, or of standard error."""
        super().__init__(stderr=stderr, markup=False, highlight=False, emoji=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Text, cells and titles on their way to the terminal."""
        return super().render_str(visible(text), **how)

    def print(self, *objects: Any, **how: Any) -> None:
        """As Rich does, but what is wider than the terminal is not cut off."""
        super().print(*objects, **{"crop": False, **how})

    def say(self, text: str, style: str | None = None) -> None:
        """One text, whose lines end only where it says so."""
        self.print(text, style=style, soft_wrap=True)


class Outlet:
    """A stream of this process, whose reader may leave and whose encoding may lack letters."""

    def __init__(self, stream: Any, quiet: bool = False) -> None:
        """Letters that the stream cannot write become question marks from now on.

        Args:
            stream: that is written to; None if this process was started without it.
            quiet: what cannot be written is no error, as there is no other place to tell it.
        """
        self._stream = Nowhere() if stream is None else stream
        self._quiet = quiet
        if getattr(stream, "errors", "") in ("strict", "surrogateescape"):
            with suppress(AttributeError):
                stream.reconfigure(errors="replace")

    def __getattr__(self, name: str) -> Any:
        """All else is that of the stream."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write; without a reader it goes nowhere.

        Raises:
            OSError: the first time that something else is in the way; then all goes nowhere.
        """
        with self._reader_may_leave():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """The same with what waits to be written."""
        with self._reader_may_leave():
            self._stream.flush()

    def close(self) -> None:
        """Others may not close it: what was written is shown, and more may follow."""
        self.flush()

    @contextmanager
    def _reader_may_leave(self) -> Iterator[None]:
        try:
            yield
        except UnicodeError:
            raise
        except (OSError, ValueError) as error:  # ValueError: somebody closed what lies below
            with suppress(OSError, ValueError):  # else the interpreter would try again at its end
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            if not isinstance(error, OSError):
                self._stream = Nowhere()
            if not (self._quiet or isinstance(error, BrokenPipeError)):
                raise OSError(f"nothing can be shown: {error}") from error


class Nowhere(io.StringIO):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        """Forget it."""
        return len(text)


@contextmanager
def outlets() -> Iterator[Outlet]:
    """Standard output and standard error as outlets, inside the block; gives the first."""
    before = sys.stdout, sys.stderr
    output, errors = Outlet(sys.stdout), Outlet(sys.stderr, quiet=True)
    sys.stdout, sys.stderr = output, errors
    try:
        yield output
    finally:
        for stream in (output, errors):
            with suppress(OSError, ValueError):
                stream.flush()
        sys.stdout, sys.stderr = before


@dataclass(frozen=True, slots=True)
class Figures:
    """A table for any width: numbers and names stay whole.

    Where the names of a row find no room beside its numbers, they have a line of their own above
    them. Columns for which there is no room follow in a further table, after the key columns again.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    keys: int = 1  # first columns, the names that say what a row is
    names: Sequence[int] = (0,)  # columns that hold names; the others hold numbers

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """One table or several."""
        cells = [[visible(cell) for cell in row] for row in (self.headings, *self.rows)]
        for row in cells[1:]:
            for name in self.names:
                row[name] = row[name].replace("\n", "\\n")
        full = [max(map(_width, column)) for column in zip(*cells, strict=True)]
        tables = self._tables(full, options.max_width)
        widths = [min(table.get(column, size) for table in tables)  # the same in all tables
                  for column, size in enumerate(full)]  # fmt: skip
        high = max(cell.count("\n") for cell in cells[0])
        heading = ["\n" * (high - cell.count("\n")) + cell for cell in cells[0]]
        beside = [row for row in cells if self._fits(row, widths)]
        for key in range(self.keys):
            widths[key] = max(_width(row[key]) for row in beside or cells[:1])
        rule = "-" if options.ascii_only else "\N{BOX DRAWINGS LIGHT HORIZONTAL}"
        for table in tables:
            for line in self._lines(heading, list(table), widths):
                yield Text(line, "bold", no_wrap=True, overflow="ignore")
            yield Text(rule * (sum(widths[column] + 1 for column in table) - 1))
            for row in cells[1:]:
                for line in self._lines(row, list(table), widths):
                    yield Text(line, no_wrap=True, overflow="ignore")

    def _lines(
        self, row: Sequence[str], columns: Sequence[int], widths: Sequence[int]
    ) -> Iterator[str]:
        """A row, below its names where they are too long."""
        shown = list(row)
        if not self._fits(row, widths):
            yield " ".join(row[: self.keys])
            shown[: self.keys] = [""] * self.keys
        parts = [shown[column].split("\n") for column in columns]
        for place in range(max(map(len, parts))):
            cells = []
            for column, lines in zip(columns, parts, strict=True):
                cell = lines[place] if place < len(lines) else ""
                space = " " * (widths[column] - cell_len(cell))
                cells.append(cell + space if column in self.names else space + cell)
            yield " ".join(cells).rstrip()

    def _fits(self, row: Sequence[str], widths: Sequence[int]) -> bool:
        """Whether the names of a row stand beside its numbers."""
        return all(_width(row[key]) <= widths[key] for key in range(self.keys))

    def _tables(self, full: Sequence[int], room: int) -> list[dict[int, int]]:
        """Of each table the columns, with the widths there is room for."""
        keys = list(range(self.keys))
        least = [min(w, NARROW) if n in keys else w for n, w in enumerate(full)]
        chosen: list[list[int]] = [[]]
        for column in range(self.keys, len(full)):
            wanted = [*keys, *chosen[-1], column]
            if chosen[-1] and sum(least[one] + 1 for one in wanted) - 1 > room:
                chosen.append([])
            chosen[-1].append(column)
        return [self._widths([*keys, *columns], least, full, room) for columns in chosen]

    def _widths(
        self, columns: Sequence[int], least: Sequence[int], full: Sequence[int], room: int
    ) -> dict[int, int]:
        """The least widths, and what is left for the keys."""
        widths = {column: least[column] for column in columns}
        keys = sorted(range(self.keys), key=lambda key: full[key] - least[key])
        for number, key in enumerate(keys):  # who needs little leaves the rest
            left = room - sum(width + 1 for width in widths.values()) + 1
            widths[key] += max(0, min(full[key] - least[key], left // (len(keys) - number)))
        return widths


def _width(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))
