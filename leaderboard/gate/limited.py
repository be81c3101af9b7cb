"""Asks the limited process: a stranger's bytes go in, a small JSON object comes out."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import IO, Any, Final

from leaderboard.sandbox.limits import ANSWER_BYTES
from leaderboard.visible import visible
from p2p_market.errors import P2PMarketError, PackageError
from p2p_market.loading import ROOT

CPU_S: Final = 10
MEMORY_BYTES: Final = 2**30
WALL_S: Final = 600.0
"""For what sleeps; on a busy machine, a task takes long to use its processor time."""


def ask(task: str, data: bytes) -> dict[str, Any]:
    """What a function of our own says of a stranger's bytes.

    Args:
        task: `module:function`; it takes bytes, and returns what JSON can hold or refuses.
        data: what it looks at.

    Raises:
        PackageError: if it refuses, or was stopped at its limits.
        P2PMarketError: if this system has no such limits.
    """
    if sys.platform != "linux":
        raise P2PMarketError(
            "networks can be examined on Linux only: the limits do not work elsewhere"
        )
    with _in_memory(data) as given, _in_memory(b"") as answer:
        status = _run(task, given, answer)
        answer.seek(0)
        return _told(answer.read(ANSWER_BYTES + 1), status)


def _in_memory(data: bytes) -> IO[bytes]:
    """A file that is on no disk."""
    file = os.fdopen(os.memfd_create("p2p-market"), "w+b")
    file.write(data)
    file.seek(0)
    return file


def _run(task: str, given: IO[bytes], answer: IO[bytes]) -> int:
    """Exit status of the limited process; whatever it does, it and its like have ended."""
    command = [sys.executable, "-P", "-m", "leaderboard.gate.worker", task]
    with tempfile.TemporaryDirectory() as empty:
        process = subprocess.Popen(
            [*command, str(CPU_S), str(MEMORY_BYTES)],
            stdin=given,
            stdout=answer,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env={"PYTHONPATH": ROOT, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(WALL_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
    return status


def _told(answer: bytes, status: int) -> dict[str, Any]:
    """The answer, if there is a whole one."""
    try:
        if status != 0 or len(answer) > ANSWER_BYTES:
            raise ValueError
        told = json.loads(answer)
    except (ValueError, RecursionError):
        raise PackageError(
            f"could not be examined within {CPU_S} s and {MEMORY_BYTES >> 20} MiB (status "
            f"{status}); make the network smaller and simpler"
        ) from None
    if not isinstance(told, dict):
        raise PackageError("could not be examined: the answer is not an object")
    if "refused" in told:
        raise PackageError(visible(str(told["refused"]), 1200))
    return told
