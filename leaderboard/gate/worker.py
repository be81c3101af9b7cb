"""The limited process: reads bytes from standard input, answers in JSON. See `limited.py`.

Run as `python -m leaderboard.gate.worker MODULE:FUNCTION SECONDS BYTES`. What it needs is imported
before the limits hold and before the first byte is read. From then on it opens no file, starts no
process, writes nothing but a short answer, and ends at its limits.
"""

import importlib
import json
import sys

from leaderboard.gate.refused import RefusedError
from leaderboard.sandbox.isolation import forsake
from leaderboard.sandbox.limits import limit


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
