"""What may run in a policy's process, if somebody got past the gate. See `sandbox.worker`."""

import os
import signal
import socket
import sys
import threading
import time

import numpy as np

from leaderboard.sandbox.frames import HEADER, MARK, framed


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


class Trying(Zeros):
    """Says how many of its attempts came off; it may have none."""

    def attempts(self):
        return ()

    def number(self):
        return float(sum(map(came_off, self.attempts())))


def came_off(attempt):
    try:
        attempt()
    except (OSError, RuntimeError):
        return False
    return True


class Opening(Trying):
    """Files, sockets and pipes."""

    def attempts(self):
        return (
            lambda: os.open("/etc/passwd", os.O_RDONLY),
            lambda: os.open("filled", os.O_CREAT | os.O_WRONLY),
            lambda: os.memfd_create("kept"),
            socket.socket,
            os.pipe,
        )


class Exchanging(Opening):
    """The same with the number of a file that it closed before."""

    def attempts(self):
        os.close(2)
        return super().attempts()


class Starting(Trying):
    """Processes and threads, as many as it can."""

    def attempts(self):
        return (
            fork,
            threading.Thread(target=time.sleep, args=(9.0,)).start,
        )


def fork():
    if os.fork() == 0:
        time.sleep(9.0)
        os._exit(0)


class Reaching(Trying):
    """Names that need no open file, and the process that asks, whose file the model names."""

    def __init__(self, setup, model):
        super().__init__(setup, model)
        self.path = model.decode()

    def attempts(self):
        return (
            lambda: os.kill(os.getppid(), 0),
            lambda: os.truncate(self.path, 0),
            lambda: os.rename(self.path, self.path + ".moved"),
            lambda: os.unlink(self.path),
            lambda: os.mkdir(os.path.dirname(self.path) + "/new"),
            lambda: os.stat("/etc/passwd"),
            lambda: os.listdir("/proc"),
        )


class Boasting(Zeros):
    """Says of itself that it is held by more than it is."""

    def __init__(self, setup, model):
        super().__init__(setup, model)
        own = sys.modules["__main__"]  # `leaderboard.sandbox.worker`, as it runs
        own.framed = lambda number, nonce, payload: framed(number, nonce, b"a fortress")


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
