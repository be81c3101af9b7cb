"""A real Ray on this machine: same bytes, same errors, and clear words where it cannot be had."""

import sys

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.errors import ClusterError, PolicyError
from p2p_market.evaluation.running import cluster
from p2p_market.evaluation.running.parallel import evaluate_all
from p2p_market.evaluation.running.parts import units_of_work
from tests.evaluation.runs import contents, deaf, jobs, written

pytest.importorskip("cvxpy")
pytestmark = pytest.mark.xdist_group("ray")  # one cluster for all of them


def test_without_ray_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"pip install -e '\.\[ray\]'"):
        evaluate_all(jobs("truthful", "classic-v0"), 1, deaf, ray="local")


@pytest.fixture(scope="module")
def ray():
    """A cluster of two processors that lives as long as this module's tests."""
    found = pytest.importorskip("ray")
    found.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield found
    found.shutdown()


@pytest.mark.parametrize("at_most", [0, 1])
def test_a_cluster_gives_the_same_bytes(ray, tmp_path, at_most):
    todo = jobs("zero-intelligence", "classic-v0", "resale-6-v0")
    told = [0, 0]

    def tell(number: int, units: int) -> None:
        told[number] += units

    there = written(evaluate_all(todo, at_most, tell, ray="auto"), tmp_path / "there")
    assert there == written(evaluate_all(todo, 1, deaf), tmp_path / "here")
    assert told == [units_of_work(job) for job in todo]


def test_an_error_on_a_node_is_told_as_if_it_were_here(ray):
    with pytest.raises(PolicyError, match=r"^no policy 'nobody'"):
        evaluate_all(jobs("nobody", "classic-v0"), 0, deaf, ray="auto")


def test_a_node_with_other_code_is_named(ray, monkeypatch):
    real = cluster.installation
    monkeypatch.setattr(cluster, "installation", lambda *given: real(*given) | {"numpy": "0.1"})
    with pytest.raises(ClusterError, match=r"the node .* it has numpy \d"):
        evaluate_all(jobs("truthful", "classic-v0"), 0, deaf, ray="auto")


def test_the_command_line_plays_on_a_cluster(ray, tmp_path):
    run = ["evaluate", "-p", "truthful", "-s", "classic-v0", "--weeks", "5", "-o", str(tmp_path)]
    done = CliRunner().invoke(app, [*run, "--ray", "auto"])
    assert done.exit_code == 0, done.output
    (run,) = tmp_path.glob("*-classic-v0")
    assert {name.partition("/")[0] for name in contents(tmp_path)} == {run.name}


def test_an_entry_of_the_leaderboard_gets_the_same_record(ray, tmp_path, monkeypatch):
    for needed in ("cryptography", "onnxruntime", "safetensors"):
        pytest.importorskip(needed)
    from leaderboard.playing import evaluate
    from tests.leaderboard.seasons import net, opened, without_times

    season = opened(tmp_path)
    here, there = (
        evaluate.evaluate(net(season), season, tmp_path / name, ray=address)
        for name, address in (("here", None), ("there", "auto"))
    )
    assert without_times(here) == without_times(there)
    other = evaluate.installed(net(season)) | {"onnxruntime": "0.1"}
    monkeypatch.setattr(evaluate, "installed", lambda candidate: other)
    with pytest.raises(ClusterError, match="install the same versions there"):
        evaluate.evaluate(net(season), season, tmp_path / "elsewhere", ray="auto")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "nobody answers there"),
        ("ray://127.0.0.1:1", "nobody answers there"),
        ("everywhere", "give local, auto, HOST:PORT"),
        ("127.0.0.1:99999", "nobody answers there"),
    ],
)
def test_an_address_without_a_cluster_is_named(address, words, monkeypatch):
    found = pytest.importorskip("ray")
    monkeypatch.setattr(found, "is_initialized", lambda: False)
    with pytest.raises(ClusterError, match=words) as told:
        evaluate_all(jobs("truthful", "classic-v0"), 0, deaf, ray=address)
    assert f"--ray {address}" in str(told.value)


def test_a_connection_that_fails_is_told_with_its_reason(monkeypatch):
    def fail(**options):
        raise ConnectionError("no cluster here")

    found = pytest.importorskip("ray")
    monkeypatch.setattr(found, "is_initialized", lambda: False)
    monkeypatch.setattr(found, "init", fail)
    with pytest.raises(ClusterError, match=r"--ray auto: .*no cluster here.*ray start --head"):
        evaluate_all(jobs("truthful", "classic-v0"), 0, deaf, ray="auto")


def test_a_cluster_of_this_run_has_its_size_and_ends_with_it(monkeypatch):
    found = pytest.importorskip("ray")
    calls = []
    monkeypatch.setattr(found, "is_initialized", lambda: False)
    monkeypatch.setattr(found, "init", lambda **options: calls.append(options["num_cpus"]))
    monkeypatch.setattr(found, "shutdown", lambda: calls.append("shutdown"))
    with pytest.raises(ZeroDivisionError), cluster.connected("local", 3):
        raise ZeroDivisionError
    assert calls == [3, "shutdown"]


LOSSES = {
    "the cluster lost a task": lambda errors: errors.WorkerCrashedError(),
    "a node of the cluster has no p2p_market": lambda errors: errors.RayTaskError(
        "work", "failed to import: No module named 'p2p_market'", RuntimeError()
    ),
}


@pytest.mark.parametrize("words", LOSSES)
def test_what_a_cluster_lacks_is_told(words, monkeypatch):
    found = pytest.importorskip("ray")

    def lose(reference):
        raise LOSSES[words](found.exceptions)

    monkeypatch.setattr(found, "get", lose)
    with pytest.raises(ClusterError, match=words):
        cluster.answer_of(found, None)
