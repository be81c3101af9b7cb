"""Layouts of files that people have, told by their headings; any other table is read by its words.

Sources: the files of the publishers named below, or where these may not be copied, of programs that
read them; docs/data.md names each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from p2p_market.data.own.units import Kind


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a file without asking."""

    name: str
    marks: tuple[str, ...]  # headings that all stand in it
    time: tuple[str, ...]  # of one column, or of date and time of day
    stamps: str | None = None  # zone of its stamps; None: they say it
    zone: str | None = None  # of its days
    ending: bool = False  # stamps are the ends of intervals
    ident: str | None = None  # column that names the home of a row
    sums: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)  # headings to be added up
    units: Mapping[Kind, str] = field(default_factory=dict)
    only: tuple[str, str] | None = None  # column, and the number of the rows that count, if any
    note: str = ""


_BERLIN: Final = ("Europe/Berlin", "Europe/Berlin")
_ENTSOE: Final[Mapping[Kind, tuple[str, ...]]] = {"price": ("Day-ahead Price (EUR/MWh)",)}
_TEXAS: Final = (None, "America/Chicago", False, "dataid")
_PECAN_NOTE: Final = (
    "load is grid plus solar; an empty solar cell counts as none; days are those of Texas unless "
    "--zone says otherwise"
)

LAYOUTS: Final = (
    Layout("ENTSO-E", ("MTU (CET/CEST)", "Sequence"), ("MTU (CET/CEST)",), "Europe/Brussels",
           "Europe/Brussels", sums=_ENTSOE, only=("Sequence", "1"),
           note="of several sequences (auctions) the first is read"),
    Layout("ENTSO-E", ("MTU (CET/CEST)",), ("MTU (CET/CEST)",), "Europe/Brussels",
           "Europe/Brussels"),
    Layout("ENTSO-E", ("MTU (UTC)", "Sequence"), ("MTU (UTC)",), "UTC", "Europe/Brussels",
           sums=_ENTSOE, only=("Sequence", "1"),
           note="of several sequences (auctions) the first is read"),
    Layout("ENTSO-E", ("MTU (UTC)",), ("MTU (UTC)",), "UTC", "Europe/Brussels"),
    Layout("SMARD", ("Datum von", "Datum bis"), ("Datum von",), *_BERLIN),
    Layout("SMARD", ("Start date", "End date"), ("Start date",), *_BERLIN),
    Layout("SMARD", ("Datum", "Anfang"), ("Datum", "Anfang"), *_BERLIN),
    Layout("SMARD", ("Date", "Start", "End"), ("Date", "Start"), *_BERLIN),
    Layout("Fluvius", ("EAN_ID", "Datum_Startuur"), ("Datum_Startuur",), "Europe/Brussels",
           "Europe/Brussels", ident="EAN_ID",
           sums={"load": ("Volume_Afname_kWh",), "pv": ("Volume_Injectie_kWh",)},
           note="a home's load is what it took from the grid, its pv what it gave: what it used of "
           "its own roof is in neither"),
    Layout("London", ("LCLid", "DateTime"), ("DateTime",), "UTC", "Europe/London", ident="LCLid",
           sums={"load": ("KWH/hh (per half hour)",)}),
    Layout("Pecan Street", ("dataid", "local_15min", "use"), ("local_15min",), *_TEXAS,
           sums={"load": ("use",), "pv": ("gen",)}, units={"load": "kW", "pv": "kW"}),
    Layout("Pecan Street", ("dataid", "local_15min", "grid"), ("local_15min",), *_TEXAS,
           sums={"load": ("grid", "solar", "solar2"), "pv": ("solar", "solar2")},
           units={"load": "kW", "pv": "kW"}, note=_PECAN_NOTE),
    Layout("WPuQ", ("index", "P_TOT", "home"), ("index",), "UTC", "Europe/Berlin", ident="home",
           sums={"load": ("P_TOT",)}, units={"load": "W"},
           note="households without PV are read; their heat pumps are tables of their own"),
    Layout("WPuQ", ("index", "P_TOT"), ("index",), "UTC", "Europe/Berlin",
           sums={"load": ("P_TOT",)}, units={"load": "W"}),
    Layout("Ausgrid", ("Customer", "Consumption Category", "date"), ("date",), "UTC+10",
           "Australia/Sydney", ending=True, ident="Customer", units={"load": "kWh", "pv": "kWh"},
           note="every day has 48 half-hours, so stamps are on standard time all year"),
)  # fmt: skip

STARTS: Final = (
    "time_utc", "timestamp_utc", "utc_timestamp", "timestamp", "datetime", "date_time", "start",
    "interval_start", "from", "von", "begin", "beginn", "zeitstempel", "time", "zeit", "index",
)  # fmt: skip
DATES: Final = ("date", "datum", "day", "tag")
CLOCKS: Final = (
    "time", "start", "anfang", "uhrzeit", "zeit", "von", "from", "start time", "time of day",
)  # fmt: skip
ENDS: Final = ("end", "interval_end", "period_end", "ende", "bis", "to", "until", "time_end")
IDENTS: Final = (
    "id", "meter", "meter_id", "meterid", "home", "home_id", "household", "household_id",
    "customer", "customer_id", "name", "zaehler", "zähler", "zählpunkt", "zaehlpunkt",
    "ean", "mpan",
)  # fmt: skip


def layout_of(header: tuple[str, ...]) -> Layout | None:
    """The layout whose headings all stand in a file, in any case of letters."""
    there = {plain(heading) for heading in header}
    return next((own for own in LAYOUTS if {plain(mark) for mark in own.marks} <= there), None)


def plain(heading: str) -> str:
    """A heading as it is compared."""
    return heading.strip().lower()
