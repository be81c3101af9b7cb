"""A season on a Ray cluster of two nodes: one is killed, one has no sandbox; records stay equal."""

from contextlib import suppress
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("cvxpy")
pytest.importorskip("onnxruntime")
pytest.importorskip("ray")
pytest.importorskip("safetensors")

from leaderboard.playing import cluster as playing
from leaderboard.playing.candidate import of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.record.traces import ENDING
from p2p_market.errors import ClusterError, P2PMarketError
from tests.leaderboard import seasons
from tests.leaderboard.bubble import needs_bubblewrap
from tests.leaderboard.packages import DRAFT, package
from tests.leaderboard.seasons import net, opened, rule, without_times

pytestmark = pytest.mark.xdist_group("ray")

CODE = b"""
import numpy as np
class Rest:
    def __init__(self, columns):
        self.columns = columns
    def act(self, observation, published, state):
        return np.zeros(self.columns), state
def make(facts):
    return Rest(len(facts["columns"]))
"""
DRAWS = 6


def code(season):
    draft = DRAFT.replace('"rules"', '"python"')
    return of_package(package({"policy.py": CODE}, draft), season)


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seasons, "PLAN", seasons.PLAN.replace("draws = 2", f"draws = {DRAWS}"))
        return opened(tmp_path_factory.mktemp("season"))


@pytest.fixture(scope="module")
def cluster():
    """A head that plays nothing, and two nodes with a processor each."""
    from ray.cluster_utils import Cluster

    found = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    for _ in range(2):
        found.add_node(num_cpus=1)
    yield found
    found.shutdown()


def traces(folder):
    return {path.name: path.read_bytes() for path in folder.rglob(f"*{ENDING}")}


def at_work(cluster):
    """A node on which an episode is being played: its processes have the name of their task."""
    nodes = {node.all_processes["raylet"][0].process.pid: node for node in cluster.worker_nodes}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((process / "stat").read_text("ascii").rpartition(")")[2].split()[1])
            if parent in nodes and b"_far_away" in (process / "cmdline").read_bytes():
                return nodes[parent]
    return None


@pytest.mark.slow
def test_a_node_is_killed_and_the_record_is_the_same(cluster, season, tmp_path):
    def kill(done, all_):
        assert all_ == DRAWS + 1
        while done == 1 and len(cluster.worker_nodes) == 2:
            if (node := at_work(cluster)) is not None:
                cluster.remove_node(node, allow_graceful=False)

    here = evaluate(net(season), season, tmp_path / "here")
    there = evaluate(net(season), season, tmp_path / "there", 0, cluster.address, kill)
    assert len(cluster.worker_nodes) == 1
    assert without_times(there) == without_times(here)
    assert traces(tmp_path / "there") == traces(tmp_path / "here")


@pytest.mark.slow
def test_code_is_played_by_nodes_that_hold_it_and_by_no_other(cluster, season, tmp_path):
    needs_bubblewrap()
    here = evaluate(code(season), season, tmp_path / "here")
    there = evaluate(code(season), season, tmp_path / "there", 0, cluster.address)
    assert without_times(there) == without_times(here)
    for node in list(cluster.worker_nodes):
        cluster.remove_node(node)
    cluster.add_node(num_cpus=1, env_vars={"PATH": "/nowhere"})
    with pytest.raises(ClusterError, match=r"node \S+ \(\S+\) cannot hold .* bubblewrap, which is"):
        evaluate(code(season), season, tmp_path / "bare", 0, cluster.address)
    assert not list(tmp_path.glob("bare/*/parts/*"))


@pytest.mark.parametrize(
    ("level", "says"),
    [
        ("limits", "holds this entry by limits, this machine by limits, namespaces"),
        (P2PMarketError("no sandbox"), "cannot hold this entry: no sandbox"),
    ],
    ids=["less", "nothing"],
)
def test_a_node_that_holds_otherwise_is_named(level, says, tiny, monkeypatch):
    from leaderboard.playing.evaluate import installed, tasks_of

    def held(kind, limits):
        if isinstance(level, Exception):
            raise level
        return level

    monkeypatch.setattr(playing, "held_by", held)
    monkeypatch.setattr(playing, "_node", lambda: "two")
    candidate = net(tiny)
    wanted = installed(candidate)
    with pytest.raises(ClusterError, match=f"the node two {says}"):
        playing._far_away(tasks_of(candidate, tiny)[0], wanted, "limits, namespaces")
    with pytest.raises(ClusterError, match=r"the node two would not .* it has onnxruntime \d"):
        playing._far_away(tasks_of(candidate, tiny)[0], wanted | {"onnxruntime": "0.1"}, "")


def test_rules_need_no_sandbox_and_networks_do(tiny):
    limits = tiny.file.limits
    assert playing.held_by(rule(tiny).entry.kind, limits) == ""
    assert playing.held_by("onnx", limits).startswith("limits")
