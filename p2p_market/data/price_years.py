"""Dutch day-ahead prices of 2015 to 2024 on the calendar of 2018, out of the wheel `ev2gym`."""

import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from p2p_market.data.sources import PRICE_ARRAY, Contents, make_card
from p2p_market.data.wheel_tables import MEND, column, days_by_weekday, number, read_table
from p2p_market.errors import DataError
from p2p_market.records import FloatArray

PATH: Final = "ev2gym/data/Netherlands_day-ahead-2015-2024.csv"
TIME: Final = "Datetime (UTC)"
PRICE: Final = "Price (EUR/MWhe)"
MISSING: Final = 3  # most hours of a year that neighbours may stand in for

CARD: Final = {
    "label": "measured",
    "unit": "EUR/MWh",
    "axes": "hour",
    "source": f"ev2gym 2.0.0: {PATH.removeprefix('ev2gym/')}",
    "licence": "MIT (wheel); the layout is that of Ember's file, CC-BY-4.0",
    "attribution": "Ember, European wholesale electricity prices; ENTSO-E Transparency Platform",
    "done": "duplicates dropped, single missing hours interpolated, UTC+1, days by weekday",
}


def read_price_year(archive: zipfile.ZipFile, name: str) -> Contents:
    """Hourly prices of `nl<year>`; day 0 of the result is a Monday like 1 January 2018.

    The source uses UTC, so days with 23 or 25 hours do not occur in it. Two date formats,
    overlapping rows, an empty row and single missing hours do.

    Raises:
        DataError: if the table is not what it should be.
    """
    year = int(name.removeprefix("nl"))
    hourly = _year(prices_by_time(archive), year)
    first = date(year, 1, 1)
    days = days_by_weekday(0, first.weekday(), len(hourly) // 24)
    aligned = hourly.reshape(-1, 24)[days].ravel().astype(np.float32)
    arrays = {PRICE_ARRAY: aligned}
    return Contents(make_card(name, arrays, CARD), arrays)


def prices_by_time(archive: zipfile.ZipFile) -> dict[datetime, float]:
    """Price of each hour by its start at UTC [EUR/MWh].

    Raises:
        DataError: if a cell cannot be read, or an hour has two different prices.
    """
    header, rows = read_table(archive, PATH)
    time_place, price_place = (column(PATH, header, name) for name in (TIME, PRICE))
    prices: dict[datetime, float] = {}
    for row, cells in enumerate(rows, start=2):
        if not cells[time_place]:
            continue
        start = _time(cells[time_place], row)
        price = number(PATH, PRICE, row, cells[price_place])
        if prices.setdefault(start, price) != price:
            raise DataError(
                f"{PATH}, column {PRICE!r}, row {row}: {price} EUR/MWh, but "
                f"{prices[start]} in an earlier row for {start:%Y-%m-%d %H:%M}; {MEND}"
            )
    return prices


def _time(text: str, row: int) -> datetime:
    """Read a time: in ISO form until 30 September 2023, later with the day first."""
    layout = "%d/%m/%Y %H:%M" if "/" in text else "%Y-%m-%d %H:%M:%S"
    try:
        return datetime.strptime(text, layout).replace(tzinfo=UTC)
    except ValueError as error:
        raise DataError(
            f"{PATH}, column {TIME!r}, row {row}: {text!r} is not a time; {MEND}"
        ) from error


def _year(prices: dict[datetime, float], year: int) -> FloatArray:
    """Prices from 1 January 00:00 to the end of the year at UTC+1, (hour,) [EUR/MWh]."""
    first, end = (datetime(y, 1, 1, tzinfo=UTC) - timedelta(hours=1) for y in (year, year + 1))
    times = [first + timedelta(hours=h) for h in range((end - first) // timedelta(hours=1))]
    hour = np.arange(len(times))
    known = np.array([time in prices for time in times])
    if (~known).sum() > MISSING:
        gap = times[int(np.argmin(known))]
        raise DataError(
            f"{PATH}, column {TIME!r}: {(~known).sum()} hours of {year} are missing, the first is "
            f"{gap:%Y-%m-%d %H:%M} UTC; {MEND}"
        )
    values = np.array([prices[time] for time in times if time in prices])
    filled: FloatArray = np.round(np.interp(hour, hour[known], values), 2)
    return filled
