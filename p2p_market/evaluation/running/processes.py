"""Tasks side by side in processes of this machine."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Final, TypeVar

from p2p_market.errors import ClusterError
from p2p_market.evaluation.running.interruption import SIGNALS, ask_again, deaf_children
from p2p_market.evaluation.running.parts import Tell
from p2p_market.loading import safe_path

POLL_S: Final = 0.1
LOOKS: Final = 20  # for the exit code of a process that died
GROUPS: Final = Path("/sys/fs/cgroup")

Messages = SimpleQueue[tuple[str, int, int]]  # "done", number, units or "begins", process, place

_messages: Final[list[Messages]] = []  # of a process that works for another

T = TypeVar("T")
A = TypeVar("A")


class DeadProcessError(ClusterError):
    """A process ended before its task."""

    def __init__(self, place: int | None, code: int | None) -> None:
        """Say so.

        Args:
            place: of the task in what was to be done, if that is known.
            code: that it left with; below 0 the signal that ended it.
        """
        super().__init__(
            "a process died, perhaps for lack of memory; the same command goes on from the "
            "parts finished so far, and fewer --workers need less"
        )
        self.place, self.code = place, code


def processors() -> int:
    """How many processors this process may use, by its affinity and its control group."""
    usable = getattr(os, "sched_getaffinity", None)
    count = len(usable(0)) if usable is not None else os.cpu_count() or 1
    return max(1, min([count, *_quotas()]))


def _quotas() -> list[int]:
    """Processors granted by the control groups of this process and all above it, rounded up."""
    found = []
    group = GROUPS / own_group().lstrip("/")
    for folder in (group, *group.parents):
        try:
            quota, period = map(int, (folder / "cpu.max").read_text("ascii").split())
            found.append(-(-quota // period))
        except (OSError, ValueError, ZeroDivisionError):  # no limit is the word "max"
            continue
    return found


def own_group() -> str:
    """The control group of this process; "/" where there are none."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return "/"
    return next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")


def in_processes(
    tasks: Sequence[T], workers: int, tell: Tell, work: Callable[[T, Tell], A]
) -> Generator[tuple[T, A], None, None]:
    """Work on tasks in this many processes, and give each answer as soon as it is there.

    A caller that stops listening, by an error or an interruption, stops the processes.

    Args:
        tell: called with the progress, in this process.
        work: of a module, so that another process finds it; is given a task and a way to tell.

    Raises:
        P2PMarketError: the first error of any task, or a process that died.
        Interruption: if this process was asked to end.
    """
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with deaf_children(), safe_path():  # the queue starts one that cleans up
        messages: Messages = context.SimpleQueue()
    team: set[BaseProcess] = set()
    at_work: dict[int, int] = {}  # process -> place of its task
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _prepare, (messages,))
    try:
        pending = {}
        for place, task in enumerate(tasks):
            with deaf_children(), safe_path():
                pending[pool.submit(_work, work, task, place)] = task
        team = set(multiprocessing.active_children()) - others
        yield from _answers(pending, messages, tell, at_work)
        pool.shutdown()
    except BrokenProcessPool as error:
        ask_again()
        raise _death(team, messages, at_work) from error
    finally:
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        pool.shutdown(cancel_futures=True)


def _answers(
    pending: dict[Future[A], T], messages: Messages, tell: Tell, out_at_work: dict[int, int]
) -> Generator[tuple[T, A], None, None]:
    """Tasks with their answers, as they come; progress messages are passed on."""
    while pending:
        ask_again()
        done, _ = wait(pending, POLL_S, FIRST_COMPLETED)
        for number, units in _heard(messages, out_at_work):
            tell(number, units)
        for future in done:
            yield pending.pop(future), future.result()


def _heard(messages: Messages, out_at_work: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Read messages: how many units of work were done, and which process began which task."""
    while not messages.empty():
        kind, first, second = messages.get()
        if kind == "done":
            yield first, second
        else:
            out_at_work[first] = second


def _death(
    team: Iterable[BaseProcess], messages: Messages, at_work: dict[int, int]
) -> DeadProcessError:
    """Which process died, and on which task; living processes have no exit code yet."""
    for _ in _heard(messages, at_work):
        pass
    for _ in range(LOOKS):  # the pool's own thread may be about to take note of the code
        for one in team:
            if one.exitcode is not None and one.pid in at_work:
                return DeadProcessError(at_work[one.pid], one.exitcode)
        time.sleep(POLL_S)
    return DeadProcessError(None, None)


def _prepare(messages: Messages) -> None:
    """Set up a worker: it ignores interruptions, since the main process stops its workers."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    _messages.append(messages)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this process when its parent was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(work: Callable[[T, Tell], A], task: T, place: int) -> A:
    messages = _messages[0]
    messages.put(("begins", os.getpid(), place))
    return work(task, lambda number, units: messages.put(("done", number, units)))
