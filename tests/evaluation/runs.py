"""What tests of parallel runs share: small jobs, and a run as bytes."""

from pathlib import Path

from p2p_market.community.scenario.scenario import build
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.evaluation.record.run_record import write_run
from p2p_market.evaluation.running.parts import Job
from p2p_market.registry import load_scenario


def jobs(policy: str, *scenarios: str, days: int = 1) -> list[Job]:
    """Two episodes of each scenario, shortened."""
    specs = [load_scenario(name).spec.model_copy(update={"days": days}) for name in scenarios]
    return [Job(build(spec), (policy,), "test", (5, 8), 0) for spec in specs]


def written(results: list[ScenarioResult], folder: Path) -> dict[str, bytes]:
    """Every file of a run's record."""
    write_run(results, folder, "2026-01-01T00:00:00+00:00")
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    """Name of each file below a folder -> its bytes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def deaf(number: int, units: int) -> None:
    """Nobody looks at the progress."""
