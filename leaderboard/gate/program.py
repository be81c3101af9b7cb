"""Whether code loads and answers: it plays two steps of a training episode, in one seat."""

from typing import Final

from leaderboard.package.package import Package
from leaderboard.playing.code import Code, seated
from leaderboard.sandbox.process import FaultError
from leaderboard.season.season import Limits
from leaderboard.tracks import board_card, card
from p2p_market.errors import PackageError
from p2p_market.registry import load_scenario
from p2p_market.tracks import track_of

STEPS: Final = 2
MENDS: Final = {
    "number": "its actions hold NaN or infinity",
    "frame": "it wrote into the pipe of its answers; print() does not, os.write() may",
    "late": "it took too long",
    "dead": "it ended; see memory and time among the limits",
}


def try_program(package: Package) -> None:
    """Play it in the default scenario of its track, in the first seat of every role.

    Raises:
        PackageError: if it does not load, or one of its answers is faulty.
    """
    track_name = package.manifest.policy.track
    scenario = load_scenario(card(track_name).default)
    track = track_of(scenario)
    episode = track.draw(scenario, track.keys(scenario, "train", 0)[0][0])
    rest = board_card(track_name).default(scenario)
    state = track.start(scenario, episode)
    for role in track.roles(scenario):
        code = Code(package, role.name)
        with seated(code, scenario, episode, Limits(), (0,)) as policy:
            try:
                for _ in range(STEPS):
                    seen = track.observe(scenario, episode, state)[role.name]
                    action, _ = policy.act(seen, None)
                    joint = {name: one[None].copy() for name, one in rest.items()}
                    joint[role.name][0, 0] = action[0, 0]
                    state, _ = track.step(scenario, episode, state, joint, True)
            except FaultError as fault:
                said = policy.processes[0].told
                raise PackageError(f"policy.py: {said or MENDS[fault.kind]}") from None
