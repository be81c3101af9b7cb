"""A season of one day for tests, and what is compared of records."""

import numpy as np

from leaderboard.playing.candidate import of_package
from leaderboard.playing.opening import open_season
from leaderboard.record.record import canonical
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from tests.leaderboard.networks import network
from tests.leaderboard.packages import DRAFT, package

SECRET = bytes(range(32))
PLAN = """id = "{id}"
title = "Two days"
opened = 2026-01-01
boards = [{{ scenario = "classic-v0", draws = 2, days = 1 }}]
focal = {{ scenario = "classic-v0", draws = 1, days = 1, seats = 1 }}
limits = {{ step_s = {step_s}, episode_s = 300.0, memory_mb = 256, faulty_share = 0.05 }}
"""
STEPS, MOST = 24, 1  # of an episode; faulty ones that do not fail it


def opened(folder, secret=SECRET, name="tiny", step_s=60.0):
    """A small season in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.toml").write_text(PLAN.format(id=name, step_s=step_s))
    (folder / "secret").write_text(secret.hex())
    return open_season(folder / "plan.toml", folder / name, folder / "secret")


def net(season):
    """A network as a candidate."""
    files = {"policy.onnx": network().SerializeToString()}
    return of_package(package(files, DRAFT.replace('"rules"', '"onnx"')), season)


def rule(season):
    """A rule as a candidate."""
    return of_package(package(), season)


def without_times(record):
    """The canonical bytes of a record, its times set to nothing."""
    episodes = [one.model_copy(update={"seconds": 0.0}) for one in record.episodes]
    still = {"episodes": episodes, "created_utc": "2026-01-01T00:00:00Z"}
    return canonical(record.model_copy(update=still))


def score(record):
    """0 = nobody trades, 100 = the optimum."""
    names = ("rule_eur", "cost_eur", "best_eur")
    costs = ([getattr(one, name) for one in record.episodes] for name in names)
    return float(ratio_of_sums(*map(np.array, costs)))
