"""The evaluator's side of a stranger's program: starts it, looks at what holds it, asks it.

Between questions the program is stopped, so that it cannot compute while another seat plays.
"""

import base64
import hashlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from leaderboard.sandbox.code import bubblewrap, groups, seccomp
from leaderboard.sandbox.code.held import resident_bytes, what_holds
from leaderboard.sandbox.frames import HEADER, MARK
from leaderboard.sandbox.process import FaultError, PolicyProcess
from leaderboard.season.season import Limits
from leaderboard.visible import visible
from p2p_market.errors import P2PMarketError

BROKEN: Final = b"p2pe"
TOLD_BYTES, TOLD_LINES = 4000, 40
LIBRARIES_MB, ADDRESSES_MB, BESIDE_MB = 256, 2048, 128
"""What libraries may write to, what they may map, and what pages that were written once, temporary
files and the kernel may take, beside the memory that a season allows."""
NOISE_BYTES: Final = 2**20
THREADS: Final = 64
FILES: Final = 128
PLACES: Final = 1024
"""Files and folders in the folder for temporary ones; each takes memory of the kernel."""
STACK_BYTES: Final = 8 * 2**20
SIGNALS: Final = 64
"""That wait to be heard; those of all seats together are few of what a user may have."""


class CodeProcess(PolicyProcess):
    """A program that answers for one seat; `told` is what it said when it broke."""

    def __init__(
        self,
        setup: Mapping[str, Any],
        files: Mapping[str, bytes],
        limits: Limits,
        noise: bytes,
    ) -> None:
        """Nothing is started yet.

        Args:
            setup: public facts and the form of questions, as JSON can hold them.
            files: of the package, by name.
            limits: of the season.
            noise: what /dev/urandom begins from.
        """
        listed = [[name, len(contents)] for name, contents in sorted(files.items())]
        whole = b"".join(contents for _, contents in sorted(files.items()))
        super().__init__({**setup, "files": listed}, whole, limits, "")
        self.noise = hashlib.shake_256(noise).digest(NOISE_BYTES)
        self.told = ""
        self._pid, self._inside = 0, -1  # the process inside, and a file that stands for it
        self._group: Path | None = None
        self._heir: subprocess.Popen[bytes] | None = None

    def _start(self) -> None:
        if sys.platform != "linux":
            raise P2PMarketError("code can be played on Linux only: bubblewrap is there alone")
        self._process, self._pid = _started(self.noise)
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        try:
            self._inside = os.pidfd_open(self._pid)
            self._heir = _heir(self._pid)
            self._group = groups.fresh(groups.above(), self._pid, _shares(self.limits))
            super()._exchange(_locks(self.limits), 1, 1, self.limits.start_s)
            self.level = what_holds(self._pid)
        except (FaultError, OSError, KeyError, ValueError) as error:
            self.end()
            raise P2PMarketError(
                f"bubblewrap starts no program on this machine ({error}); inside a container, "
                "allow user namespaces"
            ) from None
        self._exchange(self.first, 1, 1, self.limits.start_s)

    def _exchange(self, payload: bytes, least: int, most: int, seconds: float) -> bytes:
        """The same while the program runs; before and after it is stopped.

        A limit of data does not see pages that were made read-only, so what it holds is looked at.
        """
        self._signal(signal.SIGCONT)
        try:
            answer = super()._exchange(payload, least, most, seconds)
        finally:
            self._signal(signal.SIGSTOP)
        held_mb, most_mb = resident_bytes(self._pid) >> 20, _most_mb(self.limits)
        if held_mb > most_mb:
            self.told = f"MemoryError: it holds {held_mb} MiB; {most_mb} are the most"
            raise FaultError("dead")
        return answer

    def _answer(self, number: int, nonce: bytes, least: int, most: int, deadline: float) -> bytes:
        mark, of, echo, length = HEADER.unpack(self._read(HEADER.size, deadline))
        if mark == BROKEN and (of, echo) == (number, nonce) and length <= TOLD_BYTES:
            said = self._read(length, deadline).decode("utf-8", "replace")
            self.told = "\n".join(visible(line, 200) for line in said.splitlines()[-TOLD_LINES:])
            raise FaultError("dead")
        if (mark, of, echo) != (MARK, number, nonce) or not least <= length <= most:
            raise FaultError("frame")
        return self._read(length, deadline)

    def _signal(self, what: signal.Signals) -> None:
        if self._inside >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inside, what)

    def end(self) -> None:
        """End it and all that belongs to it."""
        self._signal(signal.SIGKILL)
        if self._inside >= 0:
            ended = select.poll()
            ended.register(self._inside, select.POLLIN)
            ended.poll(1000.0 * self.limits.start_s)
            os.close(self._inside)
            self._inside = -1
        if self._group is not None:
            groups.remove(self._group)
            self._group = None
        if self._heir is not None:
            self._heir.kill()
            self._heir.wait()
            assert self._heir.stdin is not None
            self._heir.stdin.close()
            self._heir = None
        super().end()


def _started(noise: bytes) -> tuple[subprocess.Popen[bytes], int]:
    """Bubblewrap at work, and the number of the process inside it.

    Raises:
        P2PMarketError: if it does not start.
    """
    program = bubblewrap.found()
    read_end, write_end = os.pipe()
    data, told = (os.memfd_create(name) for name in ("noise", "arguments"))
    try:
        _fill(data, noise)
        given = bubblewrap.arguments(write_end, data)
        _fill(told, b"".join(one.encode() + b"\0" for one in given))
        process = subprocess.Popen(
            [program, "--args", str(told), *bubblewrap.command()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={},
            start_new_session=True,
            pass_fds=(write_end, data, told),
            bufsize=0,
        )
    finally:
        for number in (write_end, data, told):
            os.close(number)
    with os.fdopen(read_end, "rb") as answer:
        line = answer.read()
    assert process.stderr is not None
    try:
        pid = int(json.loads(line)["child-pid"])
    except (ValueError, KeyError):
        process.kill()
        said = visible(process.stderr.read().decode("utf-8", "replace").strip(), 400)
        process.wait()
        raise P2PMarketError(f"bubblewrap does not start on this machine: {said}") from None
    finally:
        process.stderr.close()
    return process, pid


def _heir(pid: int) -> subprocess.Popen[bytes] | None:
    """Who ends the process inside if this one is killed.

    Bubblewrap does so for processes of its own user. Where root started it, nobody is inside.
    """
    if not bubblewrap.is_mighty():
        return None
    script = 'read -r line; kill -9 "$1"'  # until the pipe closes
    return subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", str(pid)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _fill(number: int, contents: bytes) -> None:
    with os.fdopen(os.dup(number), "wb") as file:
        file.write(contents)
    os.lseek(number, 0, os.SEEK_SET)


def _most_mb(limits: Limits) -> int:
    """Memory that a program may hold [MiB]."""
    return limits.memory_mb + LIBRARIES_MB + BESIDE_MB


def _shares(limits: Limits) -> dict[str, str]:
    """The limits of its group, where there is one: file -> limit; a processor at most."""
    return {
        "memory.max": str(_most_mb(limits) * 2**20),
        "memory.swap.max": "0",
        "pids.max": str(THREADS),
        "cpu.max": "100000 100000",
    }


def _locks(limits: Limits) -> bytes:
    """What the process gives up before it meets the package."""
    told = {
        "temporary": f"size={bubblewrap.TEMPORARY_BYTES},nr_inodes={PLACES}",
        "filter": base64.b64encode(seccomp.program()).decode("ascii"),
        "limits": {
            "RLIMIT_DATA": (limits.memory_mb + LIBRARIES_MB) * 2**20,
            "RLIMIT_AS": (limits.memory_mb + ADDRESSES_MB) * 2**20,
            "RLIMIT_CPU": int(limits.start_s + limits.episode_s) + 1,
            "RLIMIT_STACK": STACK_BYTES,
            "RLIMIT_SIGPENDING": SIGNALS,
            "RLIMIT_FSIZE": bubblewrap.TEMPORARY_BYTES,
            "RLIMIT_CORE": 0,
            "RLIMIT_NPROC": THREADS,
            "RLIMIT_NOFILE": FILES,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
        },
    }
    return json.dumps(told).encode("ascii")
