"""Days as text, in any locale."""

from datetime import date, timedelta
from typing import Final

NEW_YEAR: Final = date(2018, 1, 1)
"""First day of the grid of all data sets, UTC+1; a Monday."""

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def first_day(start_day: int) -> date:
    """Of an episode; `start_day` counts from 0 = 1 January."""
    return NEW_YEAR + timedelta(days=start_day)


def day(when: date) -> str:
    """For example "Mon 22 Jan"."""
    return f"{WEEKDAYS[when.weekday()]} {day_of_year(when)}"


def day_of_year(when: date) -> str:
    """For example "22 Jan"."""
    return f"{when.day} {MONTHS[when.month - 1]}"
