"""Run records: what was played, with digests that anyone can replay; JSON, CSV and NPZ files."""

import csv
import io
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from p2p_market.episode import Episode, EpisodeKey, draw, stack
from p2p_market.errors import P2PMarketError, ReplayError
from p2p_market.evaluation.benchmark import Row, ScenarioResult
from p2p_market.evaluation.files import write_bytes, write_text
from p2p_market.evaluation.metrics import METRICS, social_cost_eur
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.scenario import Scenario, build
from p2p_market.schema import ScenarioSpec

SCHEMA: Final = "p2p_market/run/1"
RECORD_NAME: Final = "run.json"
PACKAGES: Final = ("p2p-market", "numpy", "numba", "pettingzoo", "cvxpy", "highspy", "clarabel")


def write_run(results: Sequence[ScenarioResult], folder: Path, created_utc: str) -> Path:
    """Write the record, the actions and the metrics of a run; returns the record's path.

    Args:
        results: one per scenario.
        folder: is created; holds `run.json`, `metrics.json`, `metrics.csv`, `actions/*.npz`.
        created_utc: time stamp, ISO 8601.
    """
    for result in results:
        for name, played in result.trajectories.items():
            buffer = io.BytesIO()
            np.savez_compressed(buffer, actions=played.actions)
            write_bytes(folder / _actions_name(result.scenario, name), buffer.getvalue())
    table = [row for result in results for row in metric_rows(result)]
    write_text(folder / "metrics.json", json.dumps(table, indent=1, allow_nan=False) + "\n")
    write_text(folder / "metrics.csv", _csv(table))
    record = {
        "schema": SCHEMA,
        "created_utc": created_utc,
        "versions": _versions(),
        "platform": f"{platform.system()} {platform.machine()}",
        "scenarios": [_scenario_record(result) for result in results],
    }
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    write_text(folder / RECORD_NAME, text)
    return folder / RECORD_NAME


def metric_rows(result: ScenarioResult) -> list[dict[str, Any]]:
    """One flat dictionary per policy and episode, units in the names."""
    rows = []
    for row in result.rows:
        for number, key in enumerate(result.episode.keys):
            rows.append(
                {
                    "scenario": result.scenario.spec.id,
                    "policy": row.policy,
                    **asdict(key),
                    "social_cost_eur": float(row.social_cost_eur[number]),
                    "dispatch_gap_eur": float(row.dispatch_gap_eur[number]),
                    "allocation_gap_eur": float(row.allocation_gap_eur[number]),
                    "worse_off_share": float(row.worse_off_share[number]),
                    **{
                        _with_unit(name): float(values[number])
                        for name, values in row.metrics.items()
                    },
                }
            )
    return rows


def _with_unit(name: str) -> str:
    unit = METRICS[name].unit
    return name if unit == "1" else f"{name}_{unit.lower()}"


def _csv(table: Sequence[Mapping[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return buffer.getvalue()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _scenario_record(result: ScenarioResult) -> dict[str, Any]:
    return {
        "id": result.scenario.spec.id,
        "digest": result.scenario.digest,
        "specification": result.scenario.spec.model_dump(mode="json"),
        "data": {"name": result.scenario.data.name, "digest": result.scenario.data.digest},
        "episodes": [asdict(key) for key in result.episode.keys],
        "certificates": [asdict(c) | {"holds": c.holds} for c in result.certificates],
        "policies": [_policy_record(result, row) for row in result.rows],
    }


def _policy_record(result: ScenarioResult, row: Row) -> dict[str, Any]:
    return {
        "policy": row.policy,
        "score": asdict(row.score),
        "social_cost_eur": row.social_cost_eur.tolist(),
        "digests": list(result.trajectories[row.policy].digests),
        "actions": _actions_name(result.scenario, row.policy),
    }


def _actions_name(scenario: Scenario, policy: str) -> str:
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in policy)
    return f"actions/{scenario.spec.id}--{safe}.npz"


def read_run(folder: Path) -> dict[str, Any]:
    """The record of a run folder.

    Raises:
        ReplayError: if it is missing, damaged, or of another schema.
    """
    path = folder / RECORD_NAME
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ReplayError(f"{folder}: no {RECORD_NAME}; give the folder of a run") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ReplayError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise ReplayError(f"{path}: not a record of schema {SCHEMA}")
    return record


def replay(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Play every recorded action again and compare digests and costs.

    Returns:
        One line per difference; empty when the run replays to the same digits.

    Raises:
        ReplayError: if the record cannot be understood.
    """
    differences: list[str] = []
    try:
        for entry in record["scenarios"]:
            scenario = build(ScenarioSpec.model_validate(entry["specification"]))
            if scenario.digest != entry["digest"]:
                differences.append(f"{entry['id']}: scenario or data changed since the run")
            episode = stack([draw(scenario, EpisodeKey(**key)) for key in entry["episodes"]])
            for policy in entry["policies"]:
                differences += _replay_policy(folder, scenario, episode, policy)
    except (KeyError, TypeError, ValueError, P2PMarketError) as error:
        raise ReplayError(f"{folder}: the record cannot be replayed: {error!r}") from error
    return differences


def _replay_policy(
    folder: Path, scenario: Scenario, episode: Episode, entry: Mapping[str, Any]
) -> list[str]:
    name = f"{scenario.spec.id}: {entry['policy']}"
    path = folder / entry["actions"]
    if not path.is_file():
        return [f"{name}: {path} is missing"]
    with np.load(path, allow_pickle=False) as archive:
        actions = archive["actions"]
    again = rollout(scenario, episode, Recorded(actions), entry["policy"])
    lines = []
    if list(again.digests) != entry["digests"]:
        weeks = [
            i
            for i, (a, b) in enumerate(zip(again.digests, entry["digests"], strict=True))
            if a != b
        ]
        lines.append(f"{name}: other digests in episodes {weeks}")
    if social_cost_eur(again).tolist() != entry["social_cost_eur"]:
        lines.append(f"{name}: other social costs")
    return lines
