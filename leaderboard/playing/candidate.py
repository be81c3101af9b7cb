"""What is evaluated: a package that passed the gate, or a reference by name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from leaderboard.gate.check import Admitted, check, track_of
from leaderboard.ledger import ledger
from leaderboard.package import casts
from leaderboard.package.manifest import Author, Citation, Training
from leaderboard.package.package import Package, from_bytes, identity
from leaderboard.playing.play import policies
from leaderboard.record.record import Entry
from leaderboard.season.season import Season
from leaderboard.tracks import board_card, card
from leaderboard.tripwires import CHANCE, OTHER_OPTIMUM, TRIPWIRES
from p2p_market.errors import PolicyError
from p2p_market.evaluation.rollout import Cast
from p2p_market.registry import DEFAULT_TRACK, load_scenario
from p2p_market.track import OPTIMUM, AnyScenario

BASELINE_VERSION: Final = "1.0.0"
LONGEST: Final = 40  # letters of a name
SEEING: Final = (OPTIMUM, OTHER_OPTIMUM)
DEVELOPERS: Final = "The p2p_market developers"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What plays, in a form that travels to another process."""

    entry: Entry
    data: bytes  # the zip; empty for a baseline
    files: tuple[str, ...]  # casts by the name of their first file; each is played
    package: Package | None
    networks: Mapping[str, Admitted]
    track: str = DEFAULT_TRACK

    @property
    def focal(self) -> bool:
        """Whether it can play one seat; a plan for all, or knowing the episode, rules it out."""
        if self.package is not None or self.files[0] in SEEING:
            return self.package is not None
        baseline = card(self.track).baselines.get(self.files[0])
        return baseline is None or not (baseline.slow or baseline.foresight)

    def cast(self, file: str, scenario: AnyScenario) -> Cast | None:
        """What a package's cast plays with; None of a reference.

        Raises:
            PolicyError: if it was made for another scenario.
        """
        if self.package is None:
            return None
        return policies(self.package, self.networks, scenario)[file]


def of_package(data: bytes, season: Season, board: str | None = None) -> Candidate:
    """The candidate in a zip; it must pass the gate and play on every board.

    Args:
        data: the zip.
        season: in which it wants to play; its ledger tells which attempt this is.
        board: scenario of the only board that is to be played; None: all.

    Raises:
        PackageError: if it may not play.
        PolicyError: if it is of another track, or a network was made for other scenarios.
    """
    package = from_bytes(data)
    if (own := track_of(package)) != season.track:
        raise PolicyError(
            f"the package is of track {own!r}; season {season.id} is of track {season.track!r}: "
            "it plays in seasons of its own track, and you can open one (docs/organise-a-season.md)"
        )
    networks = check(package)
    names = {one.scenario for one in [*season.file.boards, *filter(None, [season.file.focal])]}
    for name in sorted(names) if board is None else [board]:
        policies(package, networks, load_scenario(name))
    told = package.manifest
    entry = Entry(
        name=told.name,
        version=told.version,
        package=package.identity,
        division=told.division,
        kind=told.policy.kind,
        authors=told.authors,
        training=told.training,
        citation=told.citation,
        attempt=_attempt(package.identity, season),
        roles=casts.played_roles(told),
    )
    files = casts.names(told)
    return Candidate(entry, data, files, package, networks, told.policy.track)


def _said(name: str) -> list[str]:
    """Roles that `ROLE=POLICY,...` names."""
    return [part.partition("=")[0] for part in name.split(",")]


def _attempt(package: str, season: Season) -> int:
    """How often the name was submitted to the season when this package was; 1 if it was not."""
    path = season.folder / ledger.NAME
    known = ledger.read(path).standing.submissions if path.is_file() else {}
    return known[package].attempt if package in known else 1


def of_baseline(name: str, track: str = DEFAULT_TRACK) -> Candidate:
    """A reference or a tripwire by name, or any policy as `module:factory` or `ROLE=POLICY,...`.

    For organisers alone.

    Args:
        name: of the policy.
        track: of the season.

    Raises:
        PolicyError: if there is no such policy.
    """
    known = {**{one: one for one in (*card(track).baselines, OPTIMUM)}, **TRIPWIRES}
    known[CHANCE] = board_card(track).chance
    if name not in known and not {":", "="} & set(name):
        raise PolicyError(f"no baseline {name!r}; known: {', '.join(known)}")
    label = name.rpartition(":")[2].replace("_", "-")
    if "=" in name:
        label = re.sub(r"[^a-z0-9]+", "-", name.lower())[:LONGEST].strip("-")
    division: Literal["reference", "tripwire"] = "tripwire" if name in TRIPWIRES else "reference"
    entry = Entry(
        name=label,
        version=BASELINE_VERSION,
        package=identity({"baseline": name.encode()}),
        division=division,
        kind="baseline",
        authors=[Author(name=DEVELOPERS)],
        training=Training(summary="None.", seeds=[]),
        citation=Citation(title=f"Baseline {label} of p2p_market", year=2026),
        roles=_said(name) if "=" in name else None,
    )
    return Candidate(entry, b"", (known.get(name, name),), None, {}, track)
