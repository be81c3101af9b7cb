"""The evaluator's side of a policy's process: asks, waits as long as agreed, trusts nothing."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Self

from leaderboard.sandbox.frames import HEADER, MARK, NONCE_BYTES, framed
from leaderboard.season.season import Limits
from p2p_market.errors import P2PMarketError
from p2p_market.loading import ROOT

NETWORK: Final = "leaderboard.sandbox.network:Network"
LEVEL_BYTES: Final = 64


class FaultError(Exception):
    """A step without a usable answer; `kind` is one of `record.FAULTS`."""

    def __init__(self, kind: str) -> None:
        """Of this kind."""
        super().__init__(kind)
        self.kind = kind


class PolicyProcess:
    """A process that answers questions; it is started when it is asked, and again after a fault.

    One that ends by itself stays dead. `seconds` counts all that it waits for but the first start.
    """

    def __init__(
        self, setup: Mapping[str, Any], model: bytes, limits: Limits, task: str = NETWORK
    ) -> None:
        """Nothing is started yet.

        Args:
            setup: for the factory.
            model: for the factory.
            limits: of the season.
            task: `module:factory`, code of ours.
        """
        self.first = json.dumps(setup).encode("ascii") + b"\n" + model
        self.limits, self.task = limits, task
        self.seconds, self.level = 0.0, ""
        self.dead = False
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def ask(self, payload: bytes, answer_bytes: int) -> bytes:
        """The answer to a question.

        Raises:
            FaultError: if there is no answer of that length in time.
        """
        if self.dead or self.seconds > self.limits.episode_s:
            self.end()
            raise FaultError("dead" if self.dead else "late")
        try:
            if self._process is None and self._number == 0:
                self._start()
            began = time.monotonic()
            try:
                if self._process is None:
                    self._start()
                return self._exchange(payload, answer_bytes, answer_bytes, self.limits.step_s)
            finally:
                self.seconds += time.monotonic() - began
        except FaultError as fault:
            self.dead = fault.kind == "dead"
            self.end()
            raise

    def held(self) -> str:
        """What would hold the process on this machine; it is started for that alone.

        Raises:
            P2PMarketError: if it does not start here.
        """
        try:
            with suppress(FaultError):  # it was given nothing to load
                self._start()
            return self.level
        finally:
            self.end()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End it."""
        self.end()

    def _start(self) -> None:
        if sys.platform != "linux":
            raise P2PMarketError(
                "networks can be played on Linux only: the limits do not work elsewhere"
            )
        self._folder = tempfile.TemporaryDirectory()
        memory = self.limits.memory_mb * 2**20
        command = [sys.executable, "-P", "-m", "leaderboard.sandbox.worker", self.task]
        self._process = subprocess.Popen(
            [*command, str(int(self.limits.episode_s) + 1), str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.name,
            env={
                "PYTHONPATH": ROOT,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONHASHSEED": "0",
                "OPENBLAS_NUM_THREADS": "1",
            },
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self.level = self._level()
        self._exchange(self.first, 1, 1, self.limits.start_s)

    def _level(self) -> str:
        """What holds the process, which says so before it has met the network.

        Raises:
            P2PMarketError: if it does not come so far, for which no policy can be blamed.
        """
        try:
            deadline = time.monotonic() + self.limits.start_s
            return self._answer(0, bytes(NONCE_BYTES), 1, LEVEL_BYTES, deadline).decode("ascii")
        except FaultError as fault:
            raise P2PMarketError(
                f"a policy's process does not start on this machine ({fault.kind}); try python -m "
                f"leaderboard.sandbox.worker {self.task} 60 {2**30}"
            ) from None

    def end(self) -> None:
        """End it; whoever asks again starts another."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                pipe.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _exchange(self, payload: bytes, least: int, most: int, seconds: float) -> bytes:
        """Write a question and read its answer, all before the deadline."""
        deadline = time.monotonic() + seconds
        nonce = os.urandom(NONCE_BYTES)
        self._number += 1
        self._write(framed(self._number, nonce, payload), deadline)
        return self._answer(self._number, nonce, least, most, deadline)

    def _answer(self, number: int, nonce: bytes, least: int, most: int, deadline: float) -> bytes:
        """What is read next, if it is the answer to this question."""
        mark, of, echo, length = HEADER.unpack(self._read(HEADER.size, deadline))
        if (mark, of, echo) != (MARK, number, nonce) or not least <= length <= most:
            raise FaultError("frame")
        return self._read(length, deadline)

    def _write(self, data: bytes, deadline: float) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        pipe, left = self._process.stdin.fileno(), memoryview(data)
        while left:
            _wait(pipe, select.POLLOUT, deadline)
            try:
                left = left[os.write(pipe, left) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise FaultError("dead") from None

    def _read(self, count: int, deadline: float) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        pipe, parts = self._process.stdout.fileno(), []
        while count:
            _wait(pipe, select.POLLIN, deadline)
            part = os.read(pipe, count)
            if not part:
                raise FaultError("dead")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Until the pipe is ready.

    Raises:
        FaultError: if it is not before the deadline.
    """
    poll = select.poll()
    poll.register(pipe, event)
    left_ms = max(0.0, deadline - time.monotonic()) * 1000.0
    if not poll.poll(left_ms):
        raise FaultError("late")
