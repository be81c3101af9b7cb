"""Asks the limited process: a stranger's bytes go in, a small JSON object comes out."""

import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

from leaderboard.visible import visible
from p2p_market.errors import PackageError

ROOT: Final = Path(__file__).resolve().parent.parent.parent
CPU_S: Final = 10
MEMORY_BYTES: Final = 2**30
WALL_S: Final = 60.0
"""However busy the machine is; processor time is what ends a task."""
ANSWER_BYTES: Final = 64 * 1024


def ask(task: str, data: bytes) -> dict[str, Any]:
    """What a function of our own says of a stranger's bytes.

    Args:
        task: `module:function`; it takes bytes, and returns what JSON can hold or refuses.
        data: what it looks at.

    Raises:
        PackageError: if it refuses, or was stopped at its limits.
    """
    command = [sys.executable, "-P", "-m", "leaderboard.gate.worker", task]
    with tempfile.TemporaryDirectory() as empty:
        process = subprocess.Popen(
            [*command, str(CPU_S), str(MEMORY_BYTES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        with process:
            answer = _exchange(process, data)
    return _told(answer, process.returncode)


def _exchange(process: subprocess.Popen[bytes], data: bytes) -> bytes:
    """Give all, then take as much as an answer may have; whatever happens, the process ends."""
    assert process.stdin
    assert process.stdout
    alarm = threading.Timer(WALL_S, process.kill)
    alarm.start()
    try:
        process.stdin.write(data)
        process.stdin.close()
        answer = process.stdout.read(ANSWER_BYTES + 1)
        if len(answer) <= ANSWER_BYTES:
            process.wait()
        return answer
    except BrokenPipeError:  # it has ended before it had read all
        return b""
    finally:
        alarm.cancel()
        process.kill()


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
        raise PackageError("could not be examined: the answer is no object")
    if "refused" in told:
        raise PackageError(visible(str(told["refused"]), 1200))
    return told
