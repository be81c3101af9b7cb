"""The limited process: reads bytes from standard input, answers in JSON. See `limited.py`.

Run as `python -m leaderboard.gate.worker MODULE:FUNCTION SECONDS BYTES`. What it needs is imported
before the limits hold and before the first byte is read. From then on it opens no file, starts no
process, writes nothing but a short answer, and ends at its limits.
"""

import importlib
import json
import resource
import sys
from pathlib import Path
from typing import Final

from leaderboard.gate.refused import RefusedError
from leaderboard.sandbox.isolation import forsake

ANSWER_BYTES: Final = 64 * 1024


def limit(seconds: int, memory_bytes: int, files: int = 0) -> None:
    """Give up all further processes and files, and bound time and memory.

    Args:
        seconds: of processor time, from now on.
        memory_bytes: beyond what it has.
        files: numbers below this stay free to be given to a file. With 0 no file can be opened, not
            even after one of those that are open was closed; with 3 one could be.
    """
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + memory_bytes
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = int(used.ru_utime + used.ru_stime) + 1 + seconds
    for kind, value in (
        (resource.RLIMIT_AS, most),
        (resource.RLIMIT_CPU, end),
        (resource.RLIMIT_FSIZE, ANSWER_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, files),
    ):
        resource.setrlimit(kind, (value, value))


def main() -> None:
    """Do one task and end."""
    task, seconds, memory_bytes = sys.argv[1:]
    module, _, name = task.partition(":")
    function = getattr(importlib.import_module(module), name)
    limit(int(seconds), int(memory_bytes))
    forsake()
    try:
        told = function(sys.stdin.buffer.read())
    except RefusedError as error:
        told = {"refused": str(error)}
    except MemoryError:
        told = {"refused": "needs too much memory; make it smaller"}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
