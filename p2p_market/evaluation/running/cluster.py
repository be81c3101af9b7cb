"""Tasks side by side on a Ray cluster: https://docs.ray.io. Ray is imported on use."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from typing import Any, Final

from p2p_market.errors import ClusterError, P2PMarketError
from p2p_market.evaluation.running.interruption import ask_again, listen
from p2p_market.evaluation.running.part_store import PACKAGE, installation
from p2p_market.evaluation.running.parts import Answer, Playing, Task, Tell, work
from p2p_market.evaluation.running.processes import processors
from p2p_market.loading import installing, neutral_folder
from p2p_market.registry import scenario_of

LOCAL: Final = "local"
AUTO: Final = "auto"
POLL_S: Final = 0.2
REACH_S: Final = 5.0  # how long an address may take to answer


def on_cluster(tasks: Sequence[Task], address: str, at_most: int, tell: Tell) -> Playing:
    """Play tasks on a cluster, and give each answer as soon as it is there.

    Args:
        address: "local" starts Ray on this machine, "auto" finds what runs here or what
            RAY_ADDRESS names; HOST:PORT of a cluster of which this machine is a node, or
            ray://HOST:PORT of any. An open connection of this process is used as it is.
        at_most: tasks in flight; 0 for no limit.

    Raises:
        P2PMarketError: the first error of any task, or what is wrong with Ray, address or nodes.
    """
    with connected(address, at_most) as ray:
        from ray.util.queue import Queue

        messages = Queue(actor_options={"num_cpus": 0})
        remote = ray.remote(_work)
        todo = list(reversed(tasks))
        running: dict[Any, Task] = {}
        try:
            while todo or running:
                ask_again()
                while todo and (not at_most or len(running) < at_most):
                    task = todo.pop()
                    here = _installed(task)
                    running[remote.remote(task, here, os.getcwd(), messages)] = task
                done, _ = ray.wait(list(running), timeout=POLL_S)
                for told in messages.get_nowait_batch(messages.qsize()):
                    tell(*told)
                for reference in done:
                    task = running.pop(reference)
                    yield task, answer_of(ray, reference, f"the task of {task.part.policy!r}")
        except ClusterError:
            ask_again()  # a request to end may have reached the cluster first
            raise
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            messages.shutdown(force=True)


def _installed(task: Task) -> dict[str, str]:
    return installation([task.part.policy], scenario_of(task.part.specification))


def _work(task: Task, wanted: dict[str, str], folder: str, messages: Any) -> Answer:
    """Work of a node, if its installation and folder equal those of the machine that asks."""
    with suppress(OSError):  # it has no such folder, and may need none
        os.chdir(folder)
    found = _installed(task)
    if other := [f"{name} {found.get(name)}" for name in wanted if found.get(name) != wanted[name]]:
        raise ClusterError(
            f"the node {socket.gethostname()} would not give the same bytes: it has "
            f"{', '.join(other)}; install the same versions there"
        )
    return work(task, lambda number, units: messages.put_nowait((number, units)))


def answer_of(ray: Any, reference: Any, what: str = "a task") -> Answer:
    """The answer of a task, or its error as if it had been played here."""
    try:
        answer: Answer = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, P2PMarketError):
            raise error.cause from None
        if f"No module named {PACKAGE!r}" in str(error):
            raise ClusterError(
                f"a node of the cluster has no {PACKAGE}; install the same versions there"
            ) from error
        raise
    except ray.exceptions.RayError as error:
        raise ClusterError(
            f"the cluster lost {what}: {error}; the same command goes on from the parts finished "
            "so far"
        ) from error
    return answer


@contextmanager
def connected(address: str, at_most: int) -> Iterator[Any]:
    """The module `ray`, connected; the connection ends with the block if it began with it."""
    try:
        import ray
    except ImportError as error:
        raise ClusterError(f"--ray needs Ray: {installing('ray')}") from error
    if ray.is_initialized():
        yield ray
        return
    _knock(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == LOCAL:
        options |= {"num_cpus": at_most or processors(), "include_dashboard": False}
    try:
        with chdir(neutral_folder()):  # nodes would import the current folder's modules first
            ray.init(address=address, **options)
        listen()  # Ray has a handler of its own
    except Exception as error:  # Ray has no common class for what goes wrong here
        raise ClusterError(
            f"--ray {address}: no connection ({error}); start a cluster with `ray start --head`, "
            "or one for this run with --ray local; a cluster that asks for a token needs the same "
            "RAY_AUTH_MODE and RAY_AUTH_TOKEN here"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Check that the address answers; Ray itself would try for minutes.

    Raises:
        ClusterError: if not, or if it is no address.
    """
    if address in (LOCAL, AUTO):
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise ClusterError(f"--ray {address}: give local, auto, HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((host, int(port)), REACH_S).close()
    except (OSError, OverflowError) as error:
        raise ClusterError(
            f"--ray {address}: nobody answers there ({error}); start the cluster's head with "
            "`ray start --head`, or one for this run with --ray local"
        ) from error
