"""Times of a table: ISO 8601, or ENTSO-E's intervals at UTC or on the Central European clock."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

_HOUR: Final = timedelta(hours=1)
_ZONES: Final = {"CET": _HOUR, "CEST": 2 * _HOUR}
_START: Final = re.compile(
    r"(\d\d)[./](\d\d)[./](\d{4}) (\d\d):(\d\d)(?::00)?(?: \((CET|CEST|UTC)\))?(?: *-.*)?"
)

Reader = Callable[[str, datetime | None], datetime | None]
"""(cell, time of the row before) -> start of the interval at UTC; None: no such hour exists."""


def iso(text: str, before: datetime | None) -> datetime:
    """A start like `2024-03-31T01:00Z`; without a zone it is at UTC.

    Raises:
        ValueError: if the cell is not such a time.
    """
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def interval(text: str, before: datetime | None) -> datetime:
    """The start of `31.03.2024 01:00 - 31.03.2024 02:00` at UTC; slashes and seconds will do.

    Raises:
        ValueError: if the cell is not such a time.
    """
    return _parts(text)[0].replace(tzinfo=UTC)


def central_european(text: str, before: datetime | None) -> datetime | None:
    """The same on the clock of Central Europe, whose year has a day of 23 and one of 25 hours.

    The hour that occurs twice is summer time first, then winter time, unless the cell says which.
    None: in spring the clock leaves this hour out.

    Raises:
        ValueError: if the cell is not such a time.
    """
    wall, zone = _parts(text)
    offsets = (_ZONES[zone],) if zone in _ZONES else (_ZONES["CEST"], _ZONES["CET"])
    found = [start for offset in offsets if (start := _at(wall, offset)) is not None]
    if not found:
        return None
    later = [start for start in found if before is None or start > before]
    return later[0] if later else found[-1]


def _at(wall: datetime, offset: timedelta) -> datetime | None:
    """The time at UTC, if the local clock had this offset then."""
    start = (wall - offset).replace(tzinfo=UTC)
    summer = _change(start.year, 3) <= start < _change(start.year, 10)
    return start if summer == (offset == _ZONES["CEST"]) else None


def _change(year: int, month: int) -> datetime:
    """The clock change of a month: the last Sunday at 01:00 UTC, as since 1996.

    The rule stands here because a plain Python on Windows knows no time zones.
    """
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def _parts(text: str) -> tuple[datetime, str]:
    match = _START.fullmatch(text)
    if match is None:
        raise ValueError(text)
    day, month, year, hour, minute = (int(match[place]) for place in range(1, 6))
    return datetime(year, month, day, hour, minute), match[6] or ""


TIMES: Final[Mapping[str, tuple[Reader, str]]] = {
    "time_utc": (iso, "2024-03-31T01:00Z"),
    "MTU (UTC)": (interval, "31.03.2024 01:00 - 31.03.2024 02:00"),
    "MTU (CET/CEST)": (central_european, "31.03.2024 01:00 - 31.03.2024 03:00"),
}
"""Heading of the column of times -> how it is read, and an example."""
