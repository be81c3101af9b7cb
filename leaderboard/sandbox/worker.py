"""The policy's process: questions from standard input, answers to standard output.

Run as `python -m leaderboard.sandbox.worker MODULE:FACTORY SECONDS BYTES`. The factory is code of
ours; what it is given, a stranger's network, comes after the limits hold. No seed, no name of a
scenario, no file and no clock of the evaluator are in reach.
"""

import importlib
import json
import os
import sys
from typing import Any, Final

from leaderboard.sandbox.frames import HEADER, LONGEST, MARK, NONCE_BYTES, framed
from leaderboard.sandbox.isolation import forsake, isolate
from leaderboard.sandbox.limits import limit

IN: Final = 0
OUT: Final = 1
READY: Final = b"1"


def main() -> None:
    """Report what isolates the process, load the network, then answer until the pipe closes."""
    task, seconds, memory_bytes = sys.argv[1:]
    module, _, name = task.partition(":")
    level = isolate()  # before an import starts threads: afterwards there is no leaving
    factory = getattr(importlib.import_module(module), name)
    limit(int(seconds), int(memory_bytes))
    level = ", ".join([level, *forsake()])
    _write(framed(0, bytes(NONCE_BYTES), level.encode("ascii")))
    number, nonce, setup = _question()
    told, _, model = setup.partition(b"\n")
    policy: Any = factory(json.loads(told), model)
    _write(framed(number, nonce, READY))
    while True:
        number, nonce, payload = _question()
        _write(framed(number, nonce, policy(payload)))


def _question() -> tuple[int, bytes, bytes]:
    mark, number, nonce, length = HEADER.unpack(_read(HEADER.size))
    if mark != MARK or length > LONGEST:
        sys.exit(1)
    return number, nonce, _read(length)


def _read(count: int) -> bytes:
    parts = []
    while count:
        part = os.read(IN, min(count, 2**20))
        if not part:  # nobody asks any more
            sys.exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(OUT, data) :]


if __name__ == "__main__":
    main()
