"""The draws of a season: every number of them comes out of its secret.

A number is SHAKE-256 over the secret and the words that name it, so it is the same for every entry,
tells of no other number, and cannot be searched for: it has 128 bits, and so has the seed of the
year, of the homes and of the weather behind a draw. Nothing of a draw is in public data.
"""

import hashlib
import math
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from leaderboard.season.season import Board, Season
from p2p_market.community.episode.episode import Episode, draw
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import Contract, DynamicContract, Member, ScenarioSpec
from p2p_market.data import load
from p2p_market.data.calendar import start_days
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey

PURPOSE: Final = b"p2p_market/draw/1"
NUMBER_BYTES: Final = 16
SPLIT: Final = "test"
STRANGERS: Final = {"farm": "commercial"}
"""Kind of a donor that no generated year has -> the kind in its place."""
CO2_KG_PER_KWH: Final = 0.77
"""No hour of a generated year has more."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One episode of a season, in words that travel to another process."""

    board: Board
    index: int  # among the draws of its board
    specification: str  # of the scenario, as JSON
    key: EpisodeKey

    @property
    def scenario(self) -> Scenario:
        """The scenario on this draw's year and homes."""
        return _built(self.specification)

    def episode(self) -> Episode:
        """The episode, a batch of one."""
        return draw(self.scenario, self.key)


def number(secret: bytes, *words: object) -> int:
    """A number of 128 bits of a season.

    Args:
        secret: of the season.
        words: what it is for: scenario, index of the draw, channel.
    """
    name = "/".join(map(str, words)).encode()
    return int.from_bytes(hashlib.shake_256(PURPOSE + secret + name).digest(NUMBER_BYTES), "big")


def draws(season: Season) -> list[Draw]:
    """All draws in which an entry has every seat, board by board.

    Raises:
        RecordError: if the secret is not known.
    """
    boards = season.file.boards
    return [one(season, board, index) for board in boards for index in range(board.draws)]


def focal_draws(season: Season) -> list[tuple[Draw, int]]:
    """Draws and the seat that an entry has in them.

    Raises:
        RecordError: if the secret is not known.
    """
    if (board := season.file.focal) is None:
        return []
    found = [(one(season, board, index), index) for index in range(board.draws)]
    return [(drawn, seat) for drawn, index in found for seat in seats(season, board.seats, index)]


def one(season: Season, board: Board, index: int) -> Draw:
    """A draw of a board."""
    secret, name = season.known_secret(), board.scenario
    spec = on_year(board_spec(board), number(secret, name, index, "data"))
    starts = start_days(SPLIT, spec.days)
    start = int(starts[number(secret, name, index, "start") % len(starts)])
    key = EpisodeKey(SPLIT, start, number(secret, name, index, "seed"))
    return Draw(board, index, spec.model_dump_json(), key)


def following(season: Season, drawn: Draw) -> Draw:
    """The next draw of the same board."""
    return one(season, drawn.board, (drawn.index + 1) % drawn.board.draws)


def seats(season: Season, count: int, index: int) -> list[int]:
    """Seats in focus in a draw of the focal board, in order."""
    assert season.file.focal is not None
    name, secret = season.file.focal.scenario, season.known_secret()
    every = range(len(board_spec(season.file.focal).members))
    drawn = sorted(every, key=lambda seat: number(secret, name, index, f"seat {seat}"))
    return sorted(drawn[:count])


def board_spec(board: Board) -> ScenarioSpec:
    """The shipped scenario of a board, shortened if the season says so."""
    spec = _shipped(board.scenario)
    return spec.model_copy(update={"days": board.days or spec.days})


def on_year(spec: ScenarioSpec, drawn: int) -> ScenarioSpec:
    """A scenario on a generated year, with homes that nobody has seen.

    Members keep devices, contracts and the kind of their load. A dynamic price keeps to what the
    market can express: spikes of a generated year end at the highest price less carbon cost.
    """
    year = f"synthetic:{drawn}"
    prices = f"{spec.prices.partition(':')[0]}:{drawn}" if spec.prices else None
    kinds = {donor.name: donor.kind for donor in load(spec.data).donors}
    return spec.model_copy(
        update={
            "data": year,
            "prices": prices,
            "donors": "held_out",
            "contracts": {name: _in_range(spec, one) for name, one in spec.contracts.items()},
            "members": tuple(_unseen(member, kinds) for member in spec.members),
        }
    )


def _unseen(member: Member, kinds: dict[str, str]) -> Member:
    """The member with any donor of its load's kind."""
    assets = tuple(_any_donor(device, kinds) for device in member.assets)
    return member.model_copy(update={"assets": assets})


def _any_donor(device: dict[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    if device["kind"] != "load":
        return device
    kind = device["donor_kind"] if "donor_kind" in device else kinds[device["donor"]]
    return {
        "kind": "load",
        "annual_kwh": device["annual_kwh"],
        "donor_kind": STRANGERS.get(kind, kind),
    }


def _in_range(spec: ScenarioSpec, contract: Contract) -> Contract:
    """A dynamic contract between all feed-in tariffs and the highest price."""
    if not isinstance(contract, DynamicContract):
        return contract
    tick = spec.tick_eur_per_kwh
    worth = [each.feed_in_eur_per_kwh for each in spec.contracts.values()]
    floor = max(contract.floor_eur_per_kwh or 0.0, spec.terminal_value_eur_per_kwh, *worth)
    room = spec.price_max_eur_per_kwh - spec.carbon_eur_per_kg * CO2_KG_PER_KWH
    cap = round(math.floor(room / tick) * tick, 9)
    return contract.model_copy(update={"floor_eur_per_kwh": floor, "cap_eur_per_kwh": cap})


@cache
def _shipped(scenario: str) -> ScenarioSpec:
    spec: ScenarioSpec = load_scenario(scenario).spec
    return spec


@lru_cache(maxsize=2)
def _built(specification: str) -> Scenario:
    return build(ScenarioSpec.model_validate_json(specification))
