"""A season of one day for tests."""

from leaderboard.opening import open_season

SECRET = bytes(range(32))
PLAN = """id = "{id}"
title = "Two days"
opened = 2026-01-01
boards = [{{ scenario = "{scenario}", draws = {draws}, days = {days} }}]
focal = {{ scenario = "{scenario}", draws = 1, days = {days}, seats = 1 }}
limits = {{ step_s = {step_s}, episode_s = 120.0, memory_mb = 512, faulty_share = 0.05 }}
"""


def opened(folder, secret=SECRET, scenario="classic-v0", draws=2, days=1, step_s=20.0, id="tiny"):
    """A small season in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = PLAN.format(id=id, scenario=scenario, draws=draws, days=days, step_s=step_s)
    (folder / "plan.toml").write_text(text)
    (folder / "secret").write_text(secret.hex())
    return open_season(folder / "plan.toml", folder / id, folder / "secret")
