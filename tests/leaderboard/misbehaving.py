"""What may run in a policy's process, if somebody got past the gate. See `sandbox.worker`."""

import os
import signal
import socket
import sys
import time

import numpy as np

from leaderboard.sandbox.frames import HEADER, MARK


class Zeros:
    """Answers zeros; others do worse."""

    def __init__(self, setup, model):
        rows = sum(map(len, setup["seats"]))
        self.count = rows * (setup["width"] + setup["state"])

    def __call__(self, payload):
        return np.full(self.count, self.number(), dtype=np.float32).tobytes()

    def number(self):
        return 0.0


class Constant(Zeros):
    """A number for all, given as the model."""

    def __init__(self, setup, model):
        super().__init__(setup, model)
        self.said = float(model)

    def number(self):
        return self.said


class Short(Zeros):
    def __call__(self, payload):
        return super().__call__(payload)[:-4]


class Long(Zeros):
    def __call__(self, payload):
        return super().__call__(payload) * 2


class Endless(Zeros):
    def number(self):
        while True:
            pass


class Sleeping(Zeros):
    def number(self):
        time.sleep(1000.0)


class Stopped(Zeros):
    def number(self):
        os.kill(os.getpid(), signal.SIGSTOP)


class Dying(Zeros):
    def number(self):
        os._exit(3)


class DyingLate(Zeros):
    """Plays unless what it is shown is more than its model says: it leaves hard episodes."""

    def __init__(self, setup, model):
        super().__init__(setup, model)
        self.most = float(model)

    def __call__(self, payload):
        if np.abs(np.frombuffer(payload, dtype=np.float32)).sum() > self.most:
            os._exit(0)
        return super().__call__(payload)


class Hungry(Zeros):
    def number(self):
        kept = []
        while True:
            kept.append(bytearray(2**24))


class Opening(Zeros):
    """Files, sockets and processes: it may have none."""

    def number(self):
        for attempt in (
            lambda: os.open("/etc/passwd", os.O_RDONLY),
            lambda: os.open("filled", os.O_CREAT | os.O_WRONLY),
            socket.socket,
            os.pipe,
        ):
            try:
                attempt()
            except OSError:
                continue
            return 1.0
        return 0.0


class Loud(Zeros):
    def number(self):
        sys.stderr.write("x" * 2**20)
        return 0.0


class Flooding(Zeros):
    def number(self):
        while True:
            os.write(1, b"noise" * 1000)


class Hasty(Zeros):
    """Answers the next question before it is asked."""

    def __init__(self, setup, model):
        super().__init__(setup, model)
        self.asked = 1

    def __call__(self, payload):
        self.asked += 1
        answer = super().__call__(payload)
        early = HEADER.pack(MARK, self.asked + 1, bytes(16), len(answer)) + answer
        real = HEADER.pack(MARK, self.asked, bytes(16), len(answer)) + answer
        os.write(1, real + early)
        return answer


class Noisy(Zeros):
    def __call__(self, payload):
        os.write(1, bytes(range(256)))
        return super().__call__(payload)
