"""What runs inside, before and around a stranger's program: it locks itself, then answers.

Started as `python inside.py` by `sandbox.code.bubblewrap`, with nothing of the project beside it.
The first question holds the locks and comes before a byte of the stranger's; the second holds the
public facts and the files; every further one is a step. From the second on this process belongs to
the stranger: nothing that it says of itself is believed.
"""

import base64
import ctypes
import importlib.util
import json
import os
import resource
import struct
import sys
import traceback
from typing import Any

HEADER = struct.Struct("<4sI16sI")  # as in `sandbox.frames`
MARK, BROKEN = b"p2p1", b"p2pe"
READY = b"1"
FOLDER = "/tmp/entry"
TOLD_BYTES = 4000  # of an error
NOBODY = 65534
NEW_USERS = 0x10000000
REMOUNT = 0x26  # MS_REMOUNT, MS_NODEV, MS_NOSUID
SET_DUMPABLE, SET_PARENT_DEATH, SET_SECCOMP, SET_NO_NEW_PRIVILEGES = 4, 1, 22, 38


class Pipes:
    """Questions and answers, on numbers that a stranger's print does not use."""

    def __init__(self) -> None:
        """Takes over standard input and output."""
        self.questions, self.answers = os.dup(0), os.dup(1)
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.close(nothing)

    def read(self) -> tuple[int, bytes, bytes]:
        """Number, nonce and contents of a question."""
        _, number, nonce, length = HEADER.unpack(self._read(HEADER.size))
        return number, nonce, self._read(length)

    def _read(self, count: int) -> bytes:
        parts = []
        while count:
            part = os.read(self.questions, min(count, 2**20))
            if not part:  # nobody asks any more
                os._exit(0)
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def write(self, number: int, nonce: bytes, payload: bytes, mark: bytes = MARK) -> None:
        """An answer."""
        data = HEADER.pack(mark, number, nonce, len(payload)) + payload
        while data:
            data = data[os.write(self.answers, data) :]


def lock(told: dict[str, Any]) -> None:
    """Give up whatever is left: root, privileges, memory, time, system calls."""
    system = ctypes.CDLL(None, use_errno=True)
    system.mount(None, b"/tmp", None, REMOUNT, told["temporary"].encode("ascii"))
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        system.unshare(NEW_USERS)
    system.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    system.prctl(SET_PARENT_DEATH, 9, 0, 0, 0)  # forgotten when it became another
    system.prctl(SET_DUMPABLE, 0, 0, 0, 0)
    system.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    for name, value in told["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    code = base64.b64decode(told["filter"])

    class Program(ctypes.Structure):
        _fields_ = (("lines", ctypes.c_ushort), ("code", ctypes.c_char_p))

    program = Program(len(code) // 8, code)
    system.prctl(SET_SECCOMP, 2, ctypes.byref(program), 0, 0)


class Seat:
    """A stranger's policy in one seat."""

    def __init__(self, setup: bytes) -> None:
        """Loads it: a line of JSON, then the files one after the other."""
        import numpy as np

        line, _, files = setup.partition(b"\n")
        told = json.loads(line)
        os.mkdir(FOLDER)
        for name, size in told["files"]:
            with open(os.path.join(FOLDER, name), "wb") as file:
                file.write(files[:size])
            files = files[size:]
        os.chdir(FOLDER)
        sys.path.insert(0, FOLDER)
        self.numpy = np
        self.features, self.columns, self.allowed = (
            len(told["facts"]["features"]),
            len(told["facts"]["columns"]),
            told["allowed"],
        )
        self.series = told["series"]
        facts = {name: _array(np, value) for name, value in told["facts"].items()}
        self.policy = _policy().make(facts)
        start = getattr(self.policy, "start", None)
        self.state = start(told["facts"]["seed"]) if start is not None else None

    def __call__(self, payload: bytes) -> bytes:
        """The action of a step."""
        np, at = self.numpy, 4 * self.features
        observation = np.frombuffer(payload[:at], dtype=np.float32).copy()
        published = {}
        if self.allowed:
            mask = np.frombuffer(payload[at : at + self.allowed], dtype=np.uint8)
            published["allowed"] = mask.astype(bool)
            at += self.allowed
        for name in self.series:
            (count,) = struct.unpack_from("<I", payload, at)
            values = np.frombuffer(payload, dtype=np.float64, count=count, offset=at + 4)
            published[name], at = values.copy(), at + 4 + 8 * count
        action, self.state = self.policy.act(observation, published, self.state)
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (self.columns,):
            raise ValueError(f"act() gave an action of shape {action.shape}, not {(self.columns,)}")
        return bytes(action.tobytes())


def _policy() -> Any:
    """The module `policy.py`, and nothing that another file could put in its place."""
    spec = importlib.util.spec_from_file_location("policy", os.path.join(FOLDER, "policy.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["policy"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _array(np: Any, value: Any) -> Any:
    """A fact: lists of numbers as arrays."""
    if isinstance(value, list) and value and not isinstance(value[0], dict | str):
        return np.array(value)
    return value


def main() -> None:
    """Lock, load, then answer until the pipe closes."""
    pipes = Pipes()
    number, nonce, locks = pipes.read()
    lock(json.loads(locks))
    pipes.write(number, nonce, READY)
    number, nonce, setup = pipes.read()
    try:
        seat = Seat(setup)
        del setup
        pipes.write(number, nonce, READY)
        while True:
            number, nonce, payload = pipes.read()
            pipes.write(number, nonce, seat(payload))
    except BaseException:
        text = traceback.format_exc(limit=-8).encode("utf-8", "replace")[-TOLD_BYTES:]
        pipes.write(number, nonce, text, BROKEN)
        os._exit(1)


if __name__ == "__main__":
    main()
