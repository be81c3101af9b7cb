"""The organiser's gate: `check` says whether a package may play, and what is wrong if not."""

from typing import Final

from leaderboard.forms import Section
from leaderboard.gate.limited import ask
from leaderboard.gate.program import try_program
from leaderboard.package.package import Package
from leaderboard.package.rules import read_rule
from leaderboard.tracks import board_card, card
from leaderboard.visible import visible
from p2p_market.errors import PackageError, ScenarioError

EXAMINE: Final = "leaderboard.gate.network:examine"


class Admitted(Section):
    """What the gate says of a network that may play."""

    decision: str
    columns: list[str]
    actions: dict[str, int] | None  # column of an action -> its outputs; None: it does not say
    outputs: int  # per row
    state: int  # numbers per row, 0 = remembers nothing
    parameters: int
    nodes: int


def track_of(package: Package) -> str:
    """The track in which a package plays.

    Raises:
        PackageError: if there is none of that name.
    """
    track = package.manifest.policy.track
    try:
        card(track)
    except ScenarioError as error:
        raise PackageError(f"policy.track: {error}") from None
    return track


def check(package: Package) -> dict[str, Admitted]:
    """Examine every policy of a package.

    Returns:
        What each network is, by the name of its file; nothing for rules and code.

    Raises:
        PackageError: if one of them may not play.
    """
    track, networks = track_of(package), {}
    if package.manifest.policy.kind == "python":
        try_program(package)
        return {}
    for name, data in package.files.items():
        if package.manifest.policy.kind == "rules":
            read_rule(track, name, data)
        else:
            networks[name] = check_network(track, name, data)
    return networks


def check_network(track: str, name: str, data: bytes) -> Admitted:
    """Examine one network.

    Raises:
        PackageError: if it may not play.
    """
    try:
        network = Admitted.model_validate(ask(EXAMINE, data))
    except ValueError:
        raise PackageError(f"{name}: could not be examined; export it again") from None
    except PackageError as error:
        raise PackageError(f"{name}: {error}") from None
    known = board_card(track).every
    if network.decision not in known:
        raise PackageError(
            f"{name}: metadata 'decision' is {visible(network.decision)!r}; known: "
            f"{', '.join(known)}"
        )
    return network
