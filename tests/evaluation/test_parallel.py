"""How many processes play changes nothing; what fails in one is told."""

import pytest

from p2p_market.errors import PolicyError
from p2p_market.evaluation.parallel import Job, evaluate_all
from p2p_market.evaluation.run_record import metric_rows

pytest.importorskip("cvxpy")


def jobs(policy: str, *scenarios: str) -> list[Job]:
    return [Job(name, (policy,), "test", (5, 8), 0, None) for name in scenarios]


@pytest.mark.compiled
def test_one_and_four_processes_give_the_same_bytes():
    todo = jobs("zero-intelligence", "classic-v0", "resale-6-v0", "outage-v0")
    done = {workers: [0] * len(todo) for workers in (1, 4)}

    def run(workers: int):
        def progress(number: int, units: int) -> None:
            done[workers][number] += units

        return evaluate_all(todo, workers, progress)

    for here, there in zip(run(1), run(4), strict=True):
        assert here.scenario.digest == there.scenario.digest
        assert metric_rows(here) == metric_rows(there)
        for policy, played in here.trajectories.items():
            other = there.trajectories[policy]
            assert played.digests == other.digests
            assert played.actions.tobytes() == other.actions.tobytes()
            assert played.reward.tobytes() == other.reward.tobytes()
    assert done[1] == done[4]


def test_an_error_in_a_process_reaches_the_caller():
    with pytest.raises(PolicyError, match="no policy 'nobody'"):
        evaluate_all(jobs("nobody", "classic-v0", "resale-6-v0"), 2, lambda number, units: None)
