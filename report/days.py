"""Days as text, in any locale."""

from datetime import date
from typing import Final

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def day(when: date) -> str:
    """For example "Mon 22 Jan"."""
    return f"{WEEKDAYS[when.weekday()]} {day_of_year(when)}"


def day_of_year(when: date) -> str:
    """For example "22 Jan"."""
    return f"{when.day} {MONTHS[when.month - 1]}"
