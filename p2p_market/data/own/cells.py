"""Cells of a user's file, row by row: CSV with any usual separator, or Parquet."""

import csv
import importlib
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from p2p_market.errors import DataError

EMPTY: Final = ("", "-", "n/e", "n/a", "nan", "null", "none")
"""Cells without a value, in any case of letters."""
SEPARATORS: Final = ";\t,|"
NOTES: Final = 20
"""Most lines that may stand above the header."""

Row = tuple[int, list[str]]
"""Number in the file, counted from 1, and cells."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file whose header was read; `rows` may be asked for again and again."""

    path: Path
    header: tuple[str, ...]
    first: int  # number of the first row below the header
    separator: str

    def rows(self) -> Iterator[Row]:
        """Rows below the header that are not empty.

        Raises:
            DataError: if a row has more or fewer cells than the header.
        """
        width = len(self.header)
        for number, cells in _lines(self.path, self.separator):
            if number < self.first or not any(cells):
                continue
            if len(cells) > width and not any(cells[width:]):
                del cells[width:]
            if len(cells) != width:
                raise DataError(
                    f"{self.path}, row {number}: {len(cells)} cells, the header has {width}; "
                    f"cells are separated by {self.separator!r} here"
                )
            yield number, cells


def open_sheet(path: Path) -> Sheet:
    """The header of a file: the first line that has as many cells as most of the first lines.

    Raises:
        DataError: if the file cannot be read or is no table.
    """
    separator = "" if path.suffix.lower() in _BINARY else _separator(path)
    above: list[Row] = []
    for line in _lines(path, separator):
        above.append(line)
        if len(above) > NOTES:
            break
    filled = [(number, cells) for number, cells in above if sum(map(bool, cells)) > 1]
    if len(filled) < 2:
        raise DataError(f"{path}: needs a header and rows of two or more cells below it")
    number, cells = filled[0]
    while cells and not cells[-1]:
        cells.pop()
    return Sheet(path, tuple(cells), number + 1, separator)


def _separator(path: Path) -> str:
    """What separates the most cells of the first lines."""
    with _told(path), path.open(encoding="utf-8-sig", newline="") as file:
        text = "".join(line for line, _ in zip(file, range(NOTES), strict=False))
    lines = text.splitlines() or [""]
    return max(SEPARATORS, key=lambda mark: (_regular(lines, mark), lines[-1].count(mark)))


def _regular(lines: list[str], mark: str) -> int:
    """Whether the last lines all have this mark equally often, quotes aside."""
    counts = {len(next(csv.reader([line], delimiter=mark), [])) for line in lines[-3:]}
    return int(len(counts) == 1 and counts != {1})


def _lines(path: Path, separator: str) -> Iterator[Row]:
    if not separator:
        yield from _BINARY[path.suffix.lower()](path)
        return
    with _told(path), path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of a file as sentences."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8, in Excel as 'CSV UTF-8'"
        ) from error
    except csv.Error as error:
        raise DataError(f"{path}: not a table of values ({error})") from error


def _parquet(path: Path) -> Iterator[Row]:
    """Header and rows of a Parquet file, as text."""
    try:
        import pyarrow.parquet as parquet  # an extra: only who has Parquet needs it
    except ImportError as error:
        raise DataError(
            f"{path}: Parquet needs pyarrow; pip install pyarrow, or save the table as CSV"
        ) from error
    try:
        file: Any = parquet.ParquetFile(path)
        yield 1, [str(name) for name in file.schema_arrow.names]
        number = 1
        for batch in file.iter_batches():
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, ["" if cell is None else str(cell).strip() for cell in cells]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({error})") from error


def _hdf5(path: Path) -> Iterator[Row]:
    """The tables of WPuQ's houses without PV, `NO_PV/SFH3/HOUSEHOLD/table`, one after the other."""
    try:
        h5py: Any = importlib.import_module("h5py")  # no extra: only who has such files needs it
    except ImportError as error:
        raise DataError(
            f"{path}: HDF5 needs h5py; pip install h5py, or save each table as CSV with the "
            "columns index and P_TOT"
        ) from error
    yield 1, ["home", "index", "P_TOT"]
    number = 1
    try:
        with h5py.File(path, "r") as file:
            for home, feeds in file["NO_PV"].items():
                table = feeds["HOUSEHOLD"]["table"]
                pairs = zip(table["index"].tolist(), table["P_TOT"].tolist(), strict=True)
                for second, watt in pairs:
                    number += 1
                    yield number, [home, str(second), str(watt)]
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: not in the layout of WPuQ ({error})") from error


_BINARY: Final = {".parquet": _parquet, ".h5": _hdf5, ".hdf5": _hdf5}


_APART: Final = r"[ '\u2019\u00a0\u2009\u202f]"
_SPACED: Final = re.compile(rf"[+-]?\d{{1,3}}({_APART}\d{{3}})+([.,]\d+)?")
"""Thousands apart by a space or an apostrophe, which mean nothing else."""


def looks_like_a_number(cell: str) -> bool:
    """Whether a cell holds nothing but a number, whatever its marks mean."""
    digits = any(mark.isdigit() for mark in cell)
    return digits and (not set(cell) - set("0123456789+-.,eE") or bool(_SPACED.fullmatch(cell)))


class Numbers:
    """Reads numbers; the first mark met decides whether decimals have a point or a comma."""

    _PLAIN: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
    _GROUPED: Final = {
        ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+"),
        ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+"),
    }
    _DOUBTFUL: Final = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")

    def __init__(self, sheet: Sheet) -> None:
        """For one file."""
        self.path = sheet.path
        self.mark = "." if sheet.separator in (",", "") else ""
        self.grouped = 0  # cells with separators of thousands
        self.doubtful: tuple[int, str, str] | None = None  # the first that may be one of thousands
        self.decimals = False  # some number has decimals that cannot be thousands
        self.whole = False  # some number has none

    def read(self, number: int, heading: str, text: str) -> float:
        """The number of a cell; NaN where it has no value.

        Raises:
            DataError: if it is none.
        """
        if text.lower() in EMPTY:
            return math.nan
        if not self.mark and (marks := [mark for mark in text if mark in ".,"]):
            self.mark = marks[-1]
        plain = text
        if _SPACED.fullmatch(text):
            plain = text = re.sub(_APART, "", text)
            self.grouped += 1
        self._look(number, heading, text)
        if self.mark and (grouped := self._GROUPED[self.mark].fullmatch(text)):
            plain = grouped[0].replace("," if self.mark == "." else ".", "")
            self.grouped += 1
        if self.mark == ",":
            wrong = "." in plain
            plain = plain.replace(",", ".")
        else:
            wrong = False
        if wrong or not self._PLAIN.fullmatch(plain) or not math.isfinite(value := float(plain)):
            how = "1234,5 as other rows do" if self.mark == "," else "1234.5"
            raise DataError(
                f"{self.path}, row {number}, column {heading!r}: {text!r} is not a number; "
                f"write {how}"
            )
        return value

    def _look(self, number: int, heading: str, text: str) -> None:
        """Collect what tells whether `1.022` is a thousand or a decimal."""
        if self._DOUBTFUL.fullmatch(text):
            self.doubtful = self.doubtful or (number, heading, text)
        elif "." in text or "," in text:
            self.decimals = True
        elif text != "0":
            self.whole = True

    def insist_on_one_meaning(self) -> None:
        """Refuse a file in which whole numbers stand beside ones that may be thousands.

        Raises:
            DataError: naming the first.
        """
        if self.doubtful and self.whole and not self.decimals:
            number, heading, text = self.doubtful
            whole = text.replace(".", "").replace(",", "")
            raise DataError(
                f"{self.path}, row {number}, column {heading!r}: {text!r} may be {whole}, and no "
                f"number of the file tells; write {whole} or {text}0, the same in all rows"
            )
