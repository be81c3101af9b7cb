"""What somebody would do who has taken over the limited process."""

import os
import sys
import time
from pathlib import Path

from leaderboard.gate.refused import RefusedError


def flood(data):
    while True:
        sys.stdout.write("x" * 2**16)


def stay(data):
    """Leaves a process behind that keeps all that was given open."""
    if os.fork() == 0:
        os.setpgid(0, 0)
        time.sleep(5)
        os._exit(0)
    return {"refused": "still here"}


def noise(data):
    sys.stdout.write("\x00{")
    return {}


def deep(data):
    sys.stdout.write("[" * 50_000)
    sys.stdout.flush()
    os._exit(0)


def a_list(data):
    return []


def end(data):
    os._exit(3)


def sleep(data):
    time.sleep(1000)


def open_file(data):
    os.close(2)  # its number is free now
    try:
        Path("/etc/passwd").read_bytes()
    except OSError:
        raise RefusedError("no file") from None


def write_file(data):
    try:
        Path("here").write_bytes(data)
    except OSError:
        raise RefusedError("no file") from None


def start_process(data):
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        raise RefusedError("no process") from None


def take_memory(data):
    return {"taken": len(bytearray(2**31))}


def refuse_loudly(data):
    raise RefusedError("\x1b[31m")
