"""Episodes of an entry on a Ray cluster: the same record as on one machine, or a node is named.

Ray plays the episodes of a node that is lost again, elsewhere. A node that has other code, or that
would hold a stranger's process by less or by more than this machine does, plays nothing.
"""

import socket
from collections.abc import Generator, Sequence
from functools import lru_cache
from typing import Any, Final

from leaderboard.playing.episodes import Played, Task, play
from leaderboard.playing.installed import installed
from leaderboard.sandbox.code.process import CodeProcess
from leaderboard.sandbox.process import PolicyProcess
from leaderboard.season.season import Limits
from p2p_market.errors import ClusterError, P2PMarketError
from p2p_market.evaluation.running.cluster import POLL_S, answer_of, connected
from p2p_market.evaluation.running.interruption import ask_again

TRIES: Final = 3
"""Times that an episode is played again elsewhere when its node is lost."""
NOTHING: Final = "nothing"


def on_cluster(
    todo: Sequence[Task], address: str, at_most: int, wanted: dict[str, str]
) -> Generator[tuple[Task, Played], None, None]:
    """Play episodes, and give each as soon as it is there.

    Args:
        todo: one episode or more, of one candidate.
        address: as `evaluation.running.cluster.on_cluster` takes it.
        at_most: episodes at a time; 0 for no limit.
        wanted: what must be installed for equal bytes, as it is here.

    Raises:
        ClusterError: naming the node that cannot play, or what is wrong with cluster or address.
    """
    held = held_by(todo[0].candidate.entry.kind, todo[0].season.file.limits)
    with connected(address, at_most) as ray:
        remote = ray.remote(max_retries=TRIES)(_far_away)
        waiting, running = list(reversed(todo)), dict[Any, Task]()
        try:
            while waiting or running:
                ask_again()
                while waiting and (not at_most or len(running) < at_most):
                    task = waiting.pop()
                    running[remote.remote(task, wanted, held)] = task
                done, _ = ray.wait(list(running), timeout=POLL_S)
                for reference in done:
                    answer: Any = answer_of(ray, reference)
                    yield running.pop(reference), answer
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


@lru_cache(maxsize=8)
def held_by(kind: str, limits: Limits) -> str:
    """What holds a process of a kind of package on this machine; "" where it needs none.

    Raises:
        P2PMarketError: if it does not start here.
    """
    if kind == "onnx":
        return PolicyProcess({}, b"", limits).held()
    if kind == "python":
        return CodeProcess({}, {}, limits, b"").held()
    return ""


def _far_away(task: Task, wanted: dict[str, str], held: str) -> Played:
    """What a node does.

    Raises:
        ClusterError: if this node would not give the same record.
    """
    found, node = installed(task.candidate), f"the node {_node()}"
    if other := [f"{name} {found.get(name)}" for name in wanted if found.get(name) != wanted[name]]:
        raise ClusterError(
            f"{node} would not give the same bytes: it has {', '.join(other)}; install the same "
            "versions there"
        )
    try:
        level = held_by(task.candidate.entry.kind, task.season.file.limits)
    except P2PMarketError as error:
        raise ClusterError(f"{node} cannot hold this entry: {error}") from None
    if level != held:
        raise ClusterError(
            f"{node} holds this entry by {level or NOTHING}, this machine by {held or NOTHING}; "
            "the record would differ: run the node as this machine runs"
        )
    return play(task, lambda *_: None)


def _node() -> str:
    """Host and address, as Ray knows it."""
    from ray.util import get_node_ip_address

    return f"{socket.gethostname()} ({get_node_ip_address()})"
