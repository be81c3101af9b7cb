"""One seat plays what was trained, all others a frozen population of bots."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress

from p2p_market.evaluation.focal.focal import focal, units_of_work
from p2p_market.evaluation.focal.summary import focal_record
from p2p_market.files import write_text
from p2p_market.registry import load_scenario
from tools.publish.plan import FOLDER, METHODS, Training
from tools.publish.score import name_of

ENTRIES: Final = ("mappo", "ippo", "mappo-rllib", "ippo-rllib")
"""Methods whose first training plays."""

FEW: Final = (0, 4, 8, 12)
"""Weeks of the year's four quarters, where every seat in turn takes long."""


@dataclass(frozen=True, slots=True)
class Seats:
    """A community whose seats are in focus one after the other, on test weeks."""

    scenario: str
    weeks: tuple[int, ...]

    @property
    def path(self) -> Path:
        """The record of what was played."""
        return FOLDER / "focal" / f"{self.scenario}.json"


SEATS: Final = (
    Seats("community-16-v0", FEW),
    Seats("resale-6-v0", tuple(range(13))),
    Seats("ev-12-v0", FEW),
)


def read(seats: Seats) -> dict[str, Any]:
    """The record of a community, as JSON."""
    record: dict[str, Any] = json.loads(seats.path.read_text(encoding="utf-8"))
    return record


def play(seats: Seats, workers: int) -> Mapping[str, Any]:
    """Play every entry and every rule on every seat; the record."""
    scenario = load_scenario(seats.scenario)
    files = {str(path): name_of(path) for path in _networks(seats.scenario)}
    with Progress() as progress:
        total = units_of_work(scenario, list(files), len(seats.weeks))
        bar = progress.add_task(seats.scenario, total=total)
        result = focal(
            scenario,
            list(files),
            weeks=seats.weeks,
            workers=workers,
            progress=lambda count: progress.advance(bar, count),
        )
    rows = tuple(replace(row, policy=files.get(row.policy, row.policy)) for row in result.rows)
    return focal_record(replace(result, rows=rows))


def _networks(scenario: str) -> list[Path]:
    return [Training(scenario, method, 0).policy for method in ENTRIES]


def title_of(policy: str) -> str:
    """What the page calls a player."""
    parts = policy.split("/")
    return METHODS[parts[1]].title if len(parts) == 3 else f"`{policy}`"


def write(workers: int) -> None:
    """Play and record what is not recorded yet, or of another scenario."""
    for seats in SEATS:
        digest = load_scenario(seats.scenario).digest
        if not seats.path.is_file() or read(seats)["digest"] != digest:
            write_text(seats.path, json.dumps(play(seats, workers), indent=1) + "\n")


def check(workers: int) -> list[str]:
    """Play again; what differs from the records, in words."""
    return [
        f"{seats.path.name}: plays differently from its record"
        for seats in SEATS
        if json.loads(json.dumps(play(seats, workers))) != read(seats)
    ]
