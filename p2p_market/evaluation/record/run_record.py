"""Run records: what was played, with digests that anyone can replay; JSON, CSV and NPZ files."""

import csv
import io
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from p2p_market.errors import ReplayError, ScenarioError
from p2p_market.evaluation.benchmark import (
    Row,
    ScenarioResult,
    floor_eur,
    units_of,
)
from p2p_market.evaluation.ends.certificate import (
    MIXED_INTEGER,
    Certificate,
    best_cost_eur,
    certificate_tolerance_eur,
)
from p2p_market.evaluation.ends.plan_store import DAMAGES
from p2p_market.evaluation.ends.reference import published
from p2p_market.evaluation.players.answers import entry_of
from p2p_market.evaluation.players.conduct import UNKNOWN, known_conduct, recorded_conduct
from p2p_market.evaluation.players.failure import described
from p2p_market.evaluation.record.events import events, requested
from p2p_market.evaluation.record.recorded import RECORD_NAME, SCHEMA, first_wrong
from p2p_market.evaluation.record.replayed import in_file, play_again
from p2p_market.evaluation.record.versions import versions
from p2p_market.evaluation.statistics.scores import score
from p2p_market.evaluation.tables.overview import overview, recorded_overview
from p2p_market.evaluation.tables.roles import private_columns
from p2p_market.files import safe_name, write_bytes, write_text
from p2p_market.records import FloatArray, IntArray
from p2p_market.registry import rule_of, scenario_of
from p2p_market.track import (
    OPTIMUM,
    AnyEpisode,
    AnyScenario,
    EpisodeKey,
    Metric,
    Trajectory,
)
from p2p_market.tracks import extra, package_of, track_of
from p2p_market.words import period

LABELS: Final = ("scenario", "policy", "split", "start_day", "seed")
"""Columns of the metrics that say whose they are."""


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
            np.savez_compressed(buffer, allow_pickle=False, **in_file(played.actions))
            write_bytes(folder / _actions_name(result.scenario, name), buffer.getvalue())
    table = [row for result in results for row in metric_rows(result)]
    write_text(folder / "metrics.json", json.dumps(table, indent=1, allow_nan=False) + "\n")
    write_text(folder / "metrics.csv", _csv(table))
    record = {
        "schema": SCHEMA,
        "created_utc": created_utc,
        "versions": versions() | _packages(results),
        "platform": f"{platform.system()} {platform.machine()}",
        "summary": [asdict(summary) for summary in overview(results)],
        "scenarios": [_scenario_record(result) for result in results],
    }
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    write_text(folder / RECORD_NAME, text)
    return folder / RECORD_NAME


def metric_rows(result: ScenarioResult) -> list[dict[str, Any]]:
    """One flat dictionary per policy and episode, units in the names."""
    rows, card = [], track_of(result.scenario).CARD
    for row in result.rows:
        more = {**private_columns(result, row), **_figures(result, row)}
        for number, key in enumerate(result.episode.keys):
            rows.append(
                {
                    "scenario": result.scenario.spec.id,
                    "policy": row.policy,
                    **asdict(key),
                    "social_cost_eur": float(row.social_cost_eur[number]),
                    **{
                        f"{name}_gap_eur": _number(values[number])
                        for name, values in row.gaps_eur.items()
                    },
                    **{f"loss_{name}_eur": _lost(row, name, number) for name in card.losses},
                    "worse_off_share": _number(row.worse_off_share[number]),
                    **{
                        _with_unit(name, card.metrics[name]): _number(values[number])
                        for name, values in row.metrics.items()
                    },
                    **{name: _number(values[number]) for name, values in more.items()},
                }
            )
    return rows


def _figures(result: ScenarioResult, row: Row) -> Mapping[str, FloatArray]:
    """Columns that the track adds, (episode,) each; none of a policy that failed."""
    found = extra(result.scenario, "figures")
    if found is None or row.conduct.failure is not None:
        return {}
    own: Mapping[str, FloatArray] = found(
        result.scenario, result.episode, result.trajectories[row.policy]
    )
    return own


def _number(value: float) -> float | None:
    """A number for JSON; None for nan, which a policy that failed has."""
    return None if math.isnan(value) else float(value)


def _lost(row: Row, choice: str, number: int) -> float | None:
    """Loss by one kind of choice in an episode [EUR]; None where no prices prove the bound."""
    return None if row.lost is None else float(row.lost.choice_eur(choice)[number])


def _with_unit(name: str, metric: Metric) -> str:
    return name if metric.unit == "1" else f"{name}_{metric.unit.lower()}"


def _csv(table: Sequence[Mapping[str, Any]]) -> str:
    buffer = io.StringIO()
    names = dict.fromkeys(name for row in table for name in row)  # each track has its metrics
    writer = csv.DictWriter(buffer, fieldnames=list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return buffer.getvalue()


def _packages(results: Sequence[ScenarioResult]) -> dict[str, str]:
    """Versions of packages that bring tracks of their own."""
    tracks = {result.scenario.spec.track for result in results}
    return {name: found for one in sorted(tracks) for name, found in package_of(one).items()}


def _scenario_record(result: ScenarioResult) -> dict[str, Any]:
    return {
        "id": result.scenario.spec.id,
        "digest": result.scenario.digest,
        "specification": result.scenario.spec.model_dump(mode="json"),
        "data": {"name": result.scenario.data.name, "digest": result.scenario.data.digest},
        "episodes": [asdict(key) for key in result.episode.keys],
        **_units(units_of(result.scenario, result.episode.keys)),
        "certificates": [asdict(c) | {"holds": c.holds} for c in result.certificates],
        "policies": [_policy_record(result, row) for row in result.rows],
    }


def _units(units: IntArray) -> dict[str, list[int]]:
    """The unit of each episode, where some hold several."""
    return {} if len(set(units.tolist())) == len(units) else {"units": units.tolist()}


def _policy_record(result: ScenarioResult, row: Row) -> dict[str, Any]:
    played = result.trajectories.get(row.policy)
    return {
        "policy": row.policy,
        "score": asdict(row.score),
        "social_cost_eur": row.social_cost_eur.tolist(),
        "conduct": asdict(row.conduct),
        **(entry_of(row.answers)),
        "digests": [] if played is None else list(played.digests),
        "actions": None if played is None else _actions_name(result.scenario, row.policy),
        "events": [] if played is None else _events(result.scenario, played),
        **({} if played is None else requested(played.series)),
    }


def _events(scenario: AnyScenario, played: Trajectory) -> list[dict[str, Any]]:
    names = track_of(scenario).CARD.causes
    return [asdict(event) for event in events(played.cause, names)]


def _actions_name(scenario: AnyScenario, policy: str) -> str:
    return f"actions/{safe_name(scenario.spec.id, policy)}.npz"


def replay(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Play every recorded action again; compare digests, costs, scores and certificates.

    Names and episodes are compared with those of the files of actions and of the metrics, conduct
    with the known conduct of shipped policies. Versions, times and the conduct of other policies
    are not checked.

    Bounds are proved again by the prices of the reference table; other episodes would need the
    solver, and their bounds are not checked.

    Returns:
        One line per difference; empty when the run replays to the same digits.

    Raises:
        ReplayError: if the record cannot be understood.
    """
    differences: list[str] = []
    try:
        for entry in record["scenarios"]:
            differences += _replay_scenario(folder, entry)
        differences += _metrics_differences(folder, record)
        again = [asdict(summary) for summary in recorded_overview(record["scenarios"])]
        if again != record.get("summary", again):
            differences.append("all scenarios: the summary differs")
    except ValidationError as error:
        raise ReplayError(f"{folder}: not a run record: {first_wrong(error)}") from None
    except (LookupError, TypeError, ArithmeticError, *DAMAGES) as error:
        raise ReplayError(f"{folder}: the record cannot be replayed: {error!r}") from error
    return differences


def _replay_scenario(folder: Path, entry: Mapping[str, Any]) -> list[str]:
    scenario = scenario_of(json.dumps(entry["specification"]))
    name, track = scenario.spec.id, track_of(scenario)
    lines = []
    if scenario.digest != entry["digest"]:
        lines.append(f"{name}: scenario or data changed since the run")
    keys = [EpisodeKey(**key) for key in entry["episodes"]]
    try:
        units = units_of(scenario, keys)
    except ScenarioError as error:
        raise ReplayError(str(error)) from error
    if _units(units).get("units") != entry.get("units"):
        lines.append(f"{name}: other units of episodes")
    singles = [track.draw(scenario, key) for key in keys]
    episode = track.stack(singles)
    again = {one["policy"]: play_again(folder, scenario, episode, one) for one in entry["policies"]}
    rule, optimum = again[rule_of(scenario)], again[OPTIMUM]
    if rule is None or optimum is None:
        raise ReplayError(f"{name}: an end of the scale failed")
    lines += _certificate_differences(scenario, singles, optimum, entry["certificates"])
    rule_eur = rule.social_cost_eur
    bounds = [certificate["bound_eur"] for certificate in entry["certificates"]]
    best_eur = best_cost_eur(scenario.spec.optimum, bounds, optimum.social_cost_eur)
    for policy in entry["policies"]:
        played = again[policy["policy"]]
        if played is None or recorded_conduct(policy).failure is not None:
            own_eur = floor_eur(rule_eur, best_eur)
        else:
            own_eur = played.social_cost_eur
        one = period(scenario.spec.days)
        lines += _differences(f"{name}: {policy['policy']}", played, own_eur, policy, one)
        lines += _label_differences(scenario, policy)
        own = score(rule_eur, own_eur, best_eur, np.random.default_rng(0), units)
        if asdict(own) != policy["score"]:
            lines.append(f"{name}: {policy['policy']}: the score differs")
    return lines


def _label_differences(scenario: AnyScenario, entry: Mapping[str, Any]) -> list[str]:
    """Differences in the file of a policy's actions, and in its conduct where that is known."""
    name, lines = entry["policy"], []
    if entry["actions"] not in (None, _actions_name(scenario, name)):
        lines.append(f"{scenario.spec.id}: {name}: the actions of another name: {entry['actions']}")
    said, known = recorded_conduct(entry), known_conduct(name, scenario)
    if known is not None and said not in (UNKNOWN, known) and said.failure is None:
        lines.append(f"{scenario.spec.id}: {name}: its conduct differs from the known one")
    return lines


def _metrics_differences(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Whether metrics.json has the same policies and episodes; older runs may lack the file."""
    path = folder / "metrics.json"
    try:
        rows = json.loads(path.read_bytes())
        named = [tuple(row[name] for name in LABELS) for row in rows]
    except FileNotFoundError:
        return []
    except (LookupError, TypeError, RecursionError, OSError, ValueError) as error:
        raise ReplayError(f"{path}: the metrics cannot be read: {described(error)}") from error
    said = [
        (entry["id"], policy["policy"], *(key[name] for name in LABELS[2:]))
        for entry in record["scenarios"]
        for policy in entry["policies"]
        for key in entry["episodes"]
    ]
    return [] if named == said else [f"{path.name}: scenarios, policies or episodes differ"]


def _differences(
    name: str,
    again: Trajectory | None,
    own_eur: FloatArray,
    entry: Mapping[str, Any],
    counted_by: str,
) -> list[str]:
    lines = []
    digests, recorded = () if again is None else again.digests, entry["digests"]
    pairs = zip_longest(digests, recorded)
    if weeks := [number for number, (new, old) in enumerate(pairs) if new != old]:
        lines.append(f"{name}: digests differ in {counted_by}s {weeks}, counted from 0")
    if own_eur.tolist() != entry["social_cost_eur"]:
        lines.append(f"{name}: the social costs differ")
    return lines


def _certificate_differences(
    scenario: AnyScenario,
    singles: Sequence[AnyEpisode],
    played: Trajectory,
    recorded: Sequence[Mapping[str, Any]],
) -> list[str]:
    lines = []
    for number, (single, entry) in enumerate(zip(singles, recorded, strict=True)):
        again = Certificate(
            entry["plan_eur"],
            _proved_bound_eur(scenario, single, entry),
            float(played.social_cost_eur[number]),
            certificate_tolerance_eur(float(played.gross_money_eur[number])),
            int(np.count_nonzero(played.cause[:, number])),
            scenario.spec.optimum == MIXED_INTEGER,
        )
        rounding = 1e-9 * max(1.0, again.tolerance_eur)
        close = abs(again.replay_eur - entry["replay_eur"]) <= rounding
        proved = abs(again.bound_eur - entry["bound_eur"]) <= again.tolerance_eur
        if not close or not proved or again.holds != entry["holds"]:
            lines.append(
                f"{scenario.spec.id}: the certificate differs in {period(scenario.spec.days)} "
                f"{number}, counted from 0"
            )
    return lines


def _proved_bound_eur(
    scenario: AnyScenario, episode: AnyEpisode, entry: Mapping[str, Any]
) -> float:
    plan = published(scenario, episode)
    if plan is None:
        return float(entry["bound_eur"])
    if plan.prices is None:
        return plan.bound_eur
    return track_of(scenario).bound_eur(scenario, episode, plan.prices)
