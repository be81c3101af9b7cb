"""Records that nobody played: costs as a test wants them."""

from pathlib import Path

import numpy as np

from leaderboard.record.entries import Entered
from leaderboard.record.record import Record
from p2p_market.community.metrics import METRICS
from tests.leaderboard.ledgers import SEASON, UTC, digest

SCENARIOS = {"classic-v0": 8, "ev-12-v0": 8}
RULE, BEST = 100.0, 60.0


def episode(file="policy.onnx", scenario="classic-v0", draw=0, score=50.0, **other):
    """An episode with that score; days differ by what there is to win."""
    best = BEST - draw
    cost = RULE - score / 100.0 * (RULE - best)
    return {
        "file": file, "scenario": scenario, "draw": draw, "faults": {}, "failed": False,
        "trace": f"{file}-{scenario}-{draw}.safetensors.xz", "trace_sha256": digest("trace"),
        "chain": digest("chain"), "cost_eur": cost, "rule_eur": RULE, "best_eur": best,
        "metrics": dict.fromkeys(METRICS, 1.0), "saved_eur": [1.0, 1.0, 2.0, -1.0], "steps": 100,
        "seconds": 0.5, **other,
    }  # fmt: skip


def entry(name="first", **other):
    return {
        "name": name, "version": "0.1.0", "package": digest(f"{name} 0.1.0"),
        "division": "policy", "kind": "onnx", "authors": [{"name": "Ada Example"}],
        "training": {"summary": "None."}, "citation": {"title": "An agent", "year": 2026},
        **other,
    }  # fmt: skip


def record(episodes, name="first", focal=(), sandbox="limits, namespaces", **other):
    return Record.model_validate(
        {
            "season": SEASON,
            "season_digest": digest("season"),
            "entry": entry(name, **other),
            "environment": {
                "p2p_market": "0.1.0", "versions": {}, "scenarios": {}, "population": "x:y",
                "sandbox": sandbox,
            },
            "platform": {},
            "episodes": list(episodes),
            "focal": list(focal),
            "created_utc": UTC,
        }
    )  # fmt: skip


def scored(score, scenarios=SCENARIOS, file="policy.onnx"):
    """Episodes with `score(scenario, draw)`."""
    return [
        episode(file, scenario, draw, score(scenario, draw))
        for scenario, draws in scenarios.items()
        for draw in range(draws)
    ]


def noisy(level, seed=0, spread=5.0):
    """A score that varies over draws, alike for all entries with that seed."""
    noise = np.random.default_rng(seed).normal(size=(2, 64)) * spread
    return lambda scenario, draw: level + float(noise[len(scenario) % 2, draw])


def entered(score, name="first", tier="re-executed", files=("policy.onnx",), **other):
    """An entry with these scores, the same for each file unless `score` is a list."""
    per_file = score if isinstance(score, list) else [score] * len(files)
    episodes = [
        one for file, own in zip(files, per_file, strict=True) for one in scored(own, file=file)
    ]
    withdrawn = other.pop("withdrawn", False)
    return Entered(Path(name), record(episodes, name, **other), tier, withdrawn)


def method(levels, name="recipe", **other):
    """A method entry: one network per level."""
    files = tuple(f"seed-{number}.onnx" for number in range(len(levels)))
    own = [noisy(level) for level in levels]
    return entered(own, name, files=files, division="method", **other)
