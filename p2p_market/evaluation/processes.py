"""Tasks side by side in processes of this machine."""

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.managers import SyncManager
from typing import Any, Final, TypeVar

from p2p_market.errors import ClusterError
from p2p_market.evaluation.parts import Tell

POLL_S: Final = 0.1


T = TypeVar("T")
A = TypeVar("A")


def in_processes(
    tasks: Sequence[T], workers: int, tell: Tell, work: Callable[[T, Tell], A]
) -> Generator[tuple[T, A], None, None]:
    """Work on tasks in so many processes, and give each answer as soon as it is there.

    Whoever stops listening, by an error or an interruption, stops the processes.

    Args:
        tell: hears about progress, in this process.
        work: of a module, so that another process finds it; is given a task and a way to tell.

    Raises:
        P2PMarketError: the first error of any task, or a process that died.
    """
    context = multiprocessing.get_context("spawn")
    manager = SyncManager(ctx=context)
    manager.start(_prepare)
    with manager:
        messages = manager.Queue()
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _prepare)
        try:
            pending = {pool.submit(_work, work, task, messages): task for task in tasks}
            while pending:
                done, _ = wait(pending, POLL_S, FIRST_COMPLETED)
                pass_on(messages.get_nowait, queue.Empty, tell)
                for future in done:
                    yield pending.pop(future), future.result()
            pool.shutdown()
        except BrokenProcessPool as error:
            raise ClusterError(
                "a process died, perhaps for want of memory; the same command goes on from the "
                "parts finished so far, and fewer --workers need less"
            ) from error
        finally:
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            pool.shutdown(cancel_futures=True)


def pass_on(get_nowait: Callable[[], tuple[int, int]], empty: type[Exception], tell: Tell) -> None:
    """Tell all messages of a queue."""
    while True:
        try:
            tell(*get_nowait())
        except empty:
            return


def _prepare() -> None:
    """An interruption is for the process that the user started; it stops the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """A process whose parent was killed has nobody to work for."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(work: Callable[[T, Tell], A], task: T, messages: Any) -> A:
    return work(task, lambda number, units: messages.put((number, units)))
