"""Who plays which part, and in which order, changes nothing; what fails in one is told."""

import multiprocessing

import pytest

from p2p_market.errors import ClusterError, OptimumError, PolicyError
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.evaluation.running.parallel import evaluate_all
from p2p_market.evaluation.running.parts import (
    Task,
    died,
    parts_of,
    play_part,
    put_together,
    units_of_work,
    work,
)
from p2p_market.evaluation.running.processes import in_processes
from tests.evaluation.runs import deaf, jobs, written

pytest.importorskip("cvxpy")

SCENARIOS = ("classic-v0", "resale-6-v0", "outage-v0")


def test_any_number_of_processes_gives_the_same_bytes(tmp_path):
    todo = jobs("zero-intelligence", *SCENARIOS)
    told = {workers: [0] * len(todo) for workers in (1, 2)}

    def run(workers: int):
        def tell(number: int, units: int) -> None:
            told[workers][number] += units

        return written(evaluate_all(todo, workers, tell), tmp_path / str(workers))

    alone = run(1)
    assert len(alone) == 3 + 3 * len(SCENARIOS)  # record, two tables, actions
    assert run(2) == alone
    assert told[1] == told[2] == [units_of_work(job) for job in todo]


def test_parts_together_are_what_is_played_in_one_go(tmp_path):
    todo = jobs("random", "classic-v0", "resale-6-v0")
    whole = [evaluate(job.scenario, job.policies, job.split, job.weeks, job.seed) for job in todo]
    assert written(evaluate_all(todo, 1, deaf), tmp_path / "parts") == written(
        whole, tmp_path / "w"
    )


def test_the_order_of_the_parts_changes_no_byte(tmp_path):
    """An optimum does not depend on what its program solved before."""
    todo = jobs("truthful", "resale-6-v0", "classic-v0", days=2)
    expected = written(evaluate_all(todo, 1, deaf), tmp_path / "expected")
    results = []
    for job in todo:
        answers = {part: play_part(part) for part in reversed(parts_of(job))}
        results.append(put_together(job, [answers[part] for part in parts_of(job)]))
    assert written(results, tmp_path / "reversed") == expected


def test_an_error_in_a_process_reaches_the_caller():
    with pytest.raises(PolicyError, match="no policy 'nobody'"):
        evaluate_all(jobs("nobody", "classic-v0"), 2, deaf)


def test_a_process_that_the_system_ends_is_no_failure_of_its_policy():
    (job,) = jobs("truthful", "classic-v0")
    _, truthful, optimum, _ = parts_of(job)
    for part, code in ((truthful, -9), (truthful, -15), (optimum, 9), (optimum, -11)):
        with pytest.raises(ClusterError, match=f"process died .* at work on '{part.policy}' in cl"):
            died(part, code)
    assert "(signal SIGSEGV)" in died(truthful, -11).conduct.failure.message


def test_perfect_foresight_under_another_name_is_refused():
    with pytest.raises(OptimumError, match="only the optimum may"):
        evaluate_all(jobs("baselines.community.optimal.policy:optimum", "classic-v0"), 1, deaf)


def test_who_stops_listening_stops_the_processes(tmp_path, monkeypatch):
    """Otherwise this test would not end."""
    (tmp_path / "endless_agent.py").write_text(
        "import time\ndef make(scenario):\n    while True: time.sleep(0.05)\n"
    )
    monkeypatch.chdir(tmp_path)
    (job,) = jobs("endless_agent:make", "classic-v0")
    tasks = [Task(0, part, None) for part in parts_of(job)[:2]]
    playing = in_processes(tasks, 2, deaf, work)
    task, _ = next(playing)
    assert task.part.policy == "no-trade"
    playing.close()
    assert not multiprocessing.active_children()
