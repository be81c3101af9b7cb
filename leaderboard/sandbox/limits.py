"""The limits of a process that meets a stranger's bytes."""

import resource
from pathlib import Path
from typing import Final

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
