"""Time stamps as people write them, and the clocks that they are told by."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from p2p_market.errors import DataError

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_GERMAN: Final = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
_OFFSETS: Final = {"UTC": 0, "GMT": 0, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2}
_CLOCK: Final = r"(?:,? +|T)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?: ?([AaPp])\.?[Mm]\.?)?"
_DAY_FIRST: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)" + _CLOCK)
_NAMED: Final = re.compile(r"(\d{1,2})[- ]([^\W\d]{3})\w*\.?[- ](\d{4}|\d\d)" + _CLOCK)
_AMERICAN: Final = re.compile(r"([^\W\d]{3})\w*\.? (\d{1,2}), (\d{4})" + _CLOCK)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:?\d\d.*")
_MIDNIGHT: Final = re.compile(r"24:00(:00)?")
_UNIX: Final = re.compile(r"\d{9,10}(?:000)?(?:\.0*)?")
_INTERVAL: Final = re.compile(r" +- +.*$")
_SUFFIX: Final = re.compile(r" *\(?(UTC|GMT|CEST|CET|MESZ|MEZ)\)?$")

_DAY: Final = timedelta(days=1)
EXAMPLE: Final = "2024-03-31T01:00Z, 31.03.2024 01:00 or 31/03/2024 01:00"


def excel(text: str) -> str:
    """What to do, where a text is the number by which a table calculator counts a day."""
    if re.fullmatch(r"[34]\d{4}([.,]\d*)?", text) is None:
        return ""
    return f" ({text} is how Excel counts days: give the column a format of dates, then save it)"


def zone_of(name: str) -> tzinfo:
    """A time zone by its name, or a fixed distance to UTC.

    Args:
        name: `Europe/Berlin`, `UTC`, `UTC+1`, `UTC-8` or `UTC+5:30`.

    Raises:
        DataError: if there is none.
    """
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    if fixed := re.fullmatch(r"(?:UTC|GMT)([+-])(\d{1,2})(?::?(\d\d))?", name, re.IGNORECASE):
        minutes = 60 * int(fixed[2]) + int(fixed[3] or 0)
        if minutes > 14 * 60 or minutes % 15:
            raise DataError(f"zone {name!r} is no clock; give UTC-12 to UTC+14")
        return timezone(timedelta(minutes=minutes if fixed[1] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DataError(
            f"no time zone {name!r}; give one like Europe/Berlin, UTC or UTC+1 (on Windows, names "
            "need: pip install tzdata)"
        ) from error


def standard_offset(zone: tzinfo, year: int) -> timedelta:
    """Distance of a zone's standard time to UTC: the smaller one of winter and summer."""
    both = [datetime(year, month, 15, tzinfo=zone).utcoffset() for month in (1, 7)]
    return min(offset for offset in both if offset is not None)


@dataclass(slots=True)
class Stamps:
    """Reads the times of one file."""

    where: str  # file and column, for errors
    zone: tzinfo | None  # of cells that do not say it; None: not known
    month_first: bool = False
    _offsets: dict[date, timedelta | None] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)

    def read(self, number: int, text: str, before: int | None) -> int | None:
        """Seconds since 1970 at UTC.

        Args:
            number: of the row, for errors.
            text: the cell.
            before: what was read for the row before; tells the double hour of autumn apart.

        Returns:
            None where the clock leaves the time out in spring.

        Raises:
            DataError: if it is no time, or its zone is not known.
        """
        if (known := self._known.get(text)) is not None:
            return known
        try:
            wall, offset = self._wall(text)
        except (ValueError, OverflowError, KeyError) as error:
            raise DataError(
                f"{self.where.format(number)}: {text!r} is not a time; write {EXAMPLE}{excel(text)}"
            ) from error
        if offset is None:
            if self.zone is None:
                raise DataError(
                    f"{self.where.format(number)}: {text!r} does not say its time zone; give it, "
                    "for example with --zone Europe/Berlin, --zone UTC or --zone UTC+1"
                )
            return self._local(text, wall, before)
        return self._kept(text, wall, offset)

    def _kept(self, text: str, wall: datetime, offset: timedelta) -> int:
        """What a cell says whatever stands before it: homes of a file share their times."""
        self._known[text] = round((wall.replace(tzinfo=UTC) - offset).timestamp())
        return self._known[text]

    def _local(self, text: str, wall: datetime, before: int | None) -> int | None:
        day = wall.date()
        if day not in self._offsets:
            ends = [_offset(self.zone, datetime(d.year, d.month, d.day)) for d in (day, day + _DAY)]
            self._offsets[day] = ends[0] if ends[0] == ends[1] else None
        plain = self._offsets[day]
        if plain is not None:
            return self._kept(text, wall, plain)
        found = []
        for fold in (0, 1):
            offset = _offset(self.zone, wall.replace(fold=fold))
            start = wall.replace(tzinfo=UTC) - offset
            if start.astimezone(self.zone).replace(tzinfo=None) == wall:
                found.append(round(start.timestamp()))
        later = [start for start in found if before is None or start > before]
        if not found:
            return None
        return later[0] if later else found[-1]

    def _wall(self, text: str) -> tuple[datetime, timedelta | None]:
        """The time on the wall, and its distance to UTC where the cell says it."""
        if _UNIX.fullmatch(text):
            seconds = int(text.partition(".")[0])
            seconds = seconds // 1000 if seconds > 10**11 else seconds
            return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None), timedelta()
        text = _INTERVAL.sub("", text)
        offset = None
        if suffix := _SUFFIX.search(text):
            offset = timedelta(hours=_OFFSETS[suffix[1]])
            text = text[: suffix.start()]
        late = _MIDNIGHT.search(text)
        if late:
            text = text[: late.start()] + "00:00" + text[late.end() :]
        wall = _iso(text) if _ISO.fullmatch(text) else self._written(text)
        if wall.tzinfo is not None:
            offset = wall.utcoffset()
        wall = wall.replace(tzinfo=None)
        return (wall + _DAY if late else wall), offset

    def _written(self, text: str) -> datetime:
        if found := _DAY_FIRST.fullmatch(text):
            first, second = int(found[1]), int(found[3])
            month_first = self.month_first and found[2] != "."
            day, month = (second, first) if month_first else (first, second)
            return _at(found[4], month, day, found.groups()[4:])
        if found := _NAMED.fullmatch(text):
            return _at(found[3], _month(found[2]), int(found[1]), found.groups()[3:])
        if found := _AMERICAN.fullmatch(text):
            return _at(found[3], _month(found[1]), int(found[2]), found.groups()[3:])
        raise ValueError(text)


def _offset(zone: tzinfo | None, wall: datetime) -> timedelta:
    offset = wall.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    return offset


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _month(name: str) -> int:
    return _MONTHS.get(name.lower()) or _GERMAN[name.lower()]


def _at(year: str, month: int, day: int, clock: tuple[str | None, ...]) -> datetime:
    hour, minute, second, half = clock
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            raise ValueError(hours)
        hours = hours % 12 + (12 if half in "pP" else 0)
    full = int(year) + (2000 if len(year) == 2 else 0)
    return datetime(full, month, day, hours, int(minute or 0), int(second or 0))


def zone_in(heading: str) -> str | None:
    """The zone that a heading says, like `time (UTC+1)`, `timestamp_utc` or `Zeit (MEZ/MESZ)`."""
    if found := re.search(r"utc ?([+-]\d{1,2}(?::?\d\d)?)?(?![a-z])", heading.lower()):
        return f"UTC{found[1] or ''}"
    return "Europe/Berlin" if re.search(r"cest|mesz", heading.lower()) else None


def is_stamp(text: str) -> bool:
    """Whether a cell is a date with a time of day, and no plain number."""
    try:
        Stamps("{}", UTC, not text.startswith("1")).read(0, text, None)
    except DataError:
        return False
    return not text.replace(".", "").isdigit()


SLASHED: Final = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](?:\d{4}|\d\d)(?:[ ,T].*)?")


def is_month_first(texts: Callable[[], Iterator[str]], where: str) -> bool:
    """Whether days like 3/12/2024 have the month first, told by the numbers above 12.

    Raises:
        DataError: if the numbers say both.
    """
    firsts, seconds = 0, 0
    for text in texts():
        if found := SLASHED.fullmatch(_INTERVAL.sub("", text)):
            firsts, seconds = max(firsts, int(found[1])), max(seconds, int(found[2]))
    if firsts > 12 and seconds > 12:
        raise DataError(f"{where}: some dates have the day first, some the month; write 2024-12-31")
    return seconds > 12
