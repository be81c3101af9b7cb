"""What must be equal for equal bytes, here and on every node of a cluster."""

import platform
from importlib.metadata import version

from leaderboard.playing.candidate import Candidate
from leaderboard.sandbox.code import wheels
from p2p_market.evaluation.running.part_store import installation


def installed(candidate: Candidate) -> dict[str, str]:
    """Versions, our own code, and a baseline's."""
    baseline = candidate.files if candidate.package is None else ()
    own = installation(["baselines:", "leaderboard:", *baseline])
    return own | libraries(candidate)


def libraries(candidate: Candidate) -> dict[str, str]:
    """What a stranger's numbers depend on beside our own code: library -> version."""
    if candidate.entry.kind == "python":
        return {"python": platform.python_version(), **wheels.installed()}
    return {"onnxruntime": version("onnxruntime")}
