"""Files as people have them, made for a test: a village of a few homes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

BERLIN = ZoneInfo("Europe/Berlin")


def stamps(first, days, minutes=60, zone=BERLIN):
    """Starts of intervals on a clock on the wall, from its midnight on: 23 and 25 hours, too."""
    begin = datetime(*first, tzinfo=zone).astimezone(UTC)
    end = (datetime(*first) + timedelta(days=days)).replace(tzinfo=zone).astimezone(UTC)
    count = round((end - begin) / timedelta(minutes=minutes))
    return [(begin + i * timedelta(minutes=minutes)).astimezone(zone) for i in range(count)]


def loads(times, homes, seed=0):
    """Mean powers with an evening peak, and a little of each home's own, (time, home) [kW]."""
    hour = np.array([time.hour + time.minute / 60.0 for time in times])
    shape = 0.2 + 0.5 * np.exp(-((hour - 19.0) ** 2) / 8.0)
    own = np.random.default_rng(seed).random((len(times), homes))
    return np.round(shape[:, None] * (0.7 + 0.6 * own), 3)


def sun(times, roofs):
    """Power of roofs in kW, the same shape every day but for a few clouds, (time, roof)."""
    hour = np.array([time.hour + time.minute / 60.0 for time in times])
    day = np.array([time.toordinal() for time in times])
    clear = np.maximum(0.0, np.sin((hour - 6.0) / 12.0 * np.pi))
    return np.round(np.outer(clear * (0.4 + 0.15 * (day % 5)), np.linspace(2.0, 4.0, roofs)), 3)


def prices(times):
    """EUR/MWh, dear in the evening, below zero at some noons."""
    hour = np.array([time.hour + time.minute / 60.0 for time in times])
    day = np.array([time.toordinal() for time in times])
    noon = np.where((day % 9 == 0) & (np.abs(hour - 13.0) < 2.0), 140.0, 60.0)
    noon = noon * np.exp(-((hour - 13.0) ** 2) / 10.0)
    return np.round(90.0 + 70.0 * np.exp(-((hour - 19.0) ** 2) / 6.0) - noon, 2)


def table(path, header, times, values, layout="%Y-%m-%dT%H:%M", separator=",", comma=False):
    """A file with a row per time; values are (time, column)."""
    lines = [separator.join(header)]
    for time, row in zip(times, np.reshape(values, (len(times), -1)), strict=True):
        cells = [f"{value:.10g}" for value in row]
        cells = [cell.replace(".", ",") for cell in cells] if comma else cells
        lines.append(separator.join([time.strftime(layout), *cells]))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
