"""Whether code loads and answers: it plays two steps of a training episode.

It does so in one seat of each form, since a seat may have fewer devices than its neighbour.
"""

from collections.abc import Sized
from typing import Final

from leaderboard.package.package import Package
from leaderboard.playing.code import Code, seated
from leaderboard.sandbox.process import FaultError
from leaderboard.season.season import Limits
from leaderboard.tracks import board_card_of, card
from p2p_market.errors import PackageError
from p2p_market.registry import load_scenario
from p2p_market.track import AnyEpisode, AnyScenario, Role
from p2p_market.tracks import track_of

STEPS: Final = 2
MENDS: Final = {
    "number": "its actions hold NaN or infinity",
    "frame": "it wrote into the pipe of its answers; print() does not, os.write() may",
    "late": "it took too long",
    "dead": "it ended; see memory and time among the limits",
}


def try_program(package: Package) -> None:
    """Play it in the default scenario of its track, in the first seat of each form.

    Raises:
        PackageError: if it does not load, or one of its answers is faulty.
    """
    track_name = package.manifest.policy.track
    scenario = load_scenario(card(track_name).default)
    track = track_of(scenario)
    episode = track.draw(scenario, track.keys(scenario, "train", 0)[0][0])
    for role in track.roles(scenario):
        for seat in _seats(scenario, episode, role):
            _try_seat(Code(package, role.name), scenario, episode, seat)


def _try_seat(code: Code, scenario: AnyScenario, episode: AnyEpisode, seat: int) -> None:
    track, rest = track_of(scenario), board_card_of(scenario).default(scenario)
    state = track.start(scenario, episode)
    with seated(code, scenario, episode, Limits(), (seat,)) as policy:
        try:
            for _ in range(STEPS):
                seen = track.observe(scenario, episode, state)[code.role]
                action, _ = policy.act(seen, None)
                joint = {name: one[None].copy() for name, one in rest.items()}
                joint[code.role][0, seat] = action[0, seat]
                state, _ = track.step(scenario, episode, state, joint, True)
        except FaultError as fault:
            (role,) = (one for one in track.roles(scenario) if one.name == code.role)
            said = policy.processes[seat].told or MENDS[fault.kind]
            where = f"as {role.agents[seat]} of {scenario.spec.id}"
            raise PackageError(f"policy.py: {where}: {said}") from None


def _seats(scenario: AnyScenario, episode: AnyEpisode, role: Role) -> tuple[int, ...]:
    """The first seat of each form: which facts there are, and how many entries each has."""
    tell, found = board_card_of(scenario).facts, dict[tuple[tuple[str, int], ...], int]()
    for seat in range(len(role.agents)):
        facts = tell(scenario, episode, role.name, seat)
        form = ((name, len(one) if isinstance(one, Sized) else 0) for name, one in facts.items())
        found.setdefault(tuple(form), seat)
    return tuple(found.values())
