"""Contents of a site for tests: a small season that needs no episode to be played."""

import numpy as np

from leaderboard.site.columns import shown
from leaderboard.site.content import Entry, Learning, Pair, Row, Season, Site, Submission, Week
from leaderboard.tracks import board_card, card
from leaderboard.tracks.community.week import picture_of
from p2p_market.evaluation.statistics.bootstrap import Interval

SCENARIOS = ("community-16-v0", "community-64-v0", "crisis-prices-v0", "ev-12-v0")
COLUMNS = {
    "worse_off": 3.1, "jain": 0.71, "traded": 412.0, "co2": 1312.4, "peak": 41.25,
    "self_sufficiency": 0.412,
    "lost_load": 0.0, "curtailed": 12.0, "corrected": 31.0, "interventions": 0.2, "faults": 0.0,
    "failed": 0.0, "time": 0.61,
}  # fmt: skip
PLAYERS = (
    ("mappo-shared", "1.0.0", "policy", "onnx", 71.3, "re-executed"),
    ("ippo-shared", "1.0.0", "policy", "onnx", 66.8, "reproduced"),
    ("careful-hub", "0.3.1", "policy", "rules", 58.9, "re-executed"),
    ("home-made", "2.0.0", "policy", "onnx", 12.4, "re-executed"),
    ("mappo-recipe", "1.0.0", "method", "onnx", 69.9, "re-executed"),
    ("ippo-recipe", "1.0.0", "method", "onnx", 64.0, "replayed"),
    ("mpc", "1.0.0", "reference", "baseline", 82.7, "re-executed"),
    ("storage-value", "1.0.0", "reference", "rules", 61.2, "re-executed"),
    ("zip", "1.0.0", "reference", "rules", 31.5, "re-executed"),
    ("constant", "1.0.0", "tripwire", "rules", -42.0, "re-executed"),
    ("other-week", "1.0.0", "tripwire", "baseline", 4.4, "re-executed"),
)
TAIL = ("heavy tail: mean 9.2 points below IQM", "worse than no-trade in ev-12-v0")


LEARNING = Learning(
    "saved in a validation week",
    "EUR",
    tuple(
        tuple((200_000 * place, 31.0 * place / (place + 2.0) - seed) for place in range(1, 12))
        for seed in range(5)
    ),
)


RULES = """# Rules

One [page](../x.md), one [link](https://example.org), <b>no HTML</b>.

| a | b |
|---|---|
| 1 | 2 |
"""


def interval(point, reach=2.5):
    return Interval(point, point - reach, point + 0.8 * reach)


def row(name, version, division, kind, score, tier, place=0, reasons=()):
    ranked = division in ("policy", "method") and not reasons
    return Row(
        id=f"{name}-{version}",
        name=name,
        version=version,
        authors=("Ada Example", "Grace Hopper"),
        division=division,
        kind=kind,
        tier=tier,
        ranks=(place, place + 1) if ranked else None,
        score=interval(score),
        mean=score - 1.2,
        cvar=score - 14.0,
        worst=score - 8.0,
        worst_scenario="ev-12-v0",
        columns={**COLUMNS, "co2": 1400.0 - score, "faults": 1.5 if name == "home-made" else 0.0},
        reasons=reasons,
    )


def week(steps_per_day=24):
    hour = np.arange(7 * steps_per_day) * 24.0 / steps_per_day
    sun = np.maximum(0.0, 30.0 * np.sin((hour % 24 - 6) / 12 * np.pi))
    load = 14.0 + 6.0 * np.cos((hour - 19) / 12 * np.pi)
    traded = np.maximum(0.0, 8.0 * np.sin((hour % 24 - 7) / 11 * np.pi))
    series = {
        "load": load,
        "sun": sun,
        "price": np.where(traded > 0.0, 0.21 - 0.002 * sun, np.nan),
        "cap": 0.31 + 0.03 * np.cos(hour / 12 * np.pi),
        "floor": np.full(len(hour), 0.08),
        "traded": traded,
        "grid": load - sun,
        "soc": 0.5 + 0.4 * np.sin((hour - 9) / 12 * np.pi),
    }
    return Week(
        scenario="community-16-v0",
        draw=3,
        first_day=1,
        dt_h=24.0 / steps_per_day,
        score=68.1,
        above_eur=25.5,
        parts_eur=((21.3, "dispatch"), (4.2, "allocation")),
        picture=picture_of(series, 24.0 / steps_per_day),
    )


def entry(one, shown_week=None):
    return Entry(
        row=one,
        scenarios=tuple(
            (name, interval(one.score.point + 3.0 * place - 4.0, 5.0))
            for place, name in enumerate(SCENARIOS)
        ),
        training=(("summary", "PPO with shared weights."), ("code", "https://example.org/agent")),
        facts=(("package", "ab" * 32), ("result.json", "cd" * 32), ("platform", "Linux x86_64")),
        commands=(
            f"p2p-market leaderboard replay leaderboard/seasons/season-0/entries/{one.id}",
            f"p2p-market leaderboard verify leaderboard/seasons/season-0/entries/{one.id}",
        ),
        bibtex=f"@misc{{{one.name},\n  title = {{{one.name}}},\n  year = {{2026}}\n}}\n",
        doi="10.1000/example",
        links=("https://example.org/agent",),
        focal=(("saves against no-trade", interval(1.31, 0.2)),),
        week=shown_week,
        learning=LEARNING if one.division == "method" else None,
        record=b'{"season":"season-0"}\n',
    )


SUBMISSIONS = (
    Submission("second.zip", "slow-agent 0.1.0", "slow-agent-0.1.0", "ab" * 32, "evaluating",
               7, 24, "2026-12-01T10:00:00Z"),
    Submission("bad.zip", "", "", "", "refused", 0, 0, "2026-12-01T10:05:00Z", "no manifest"),
    Submission("new.zip", "", "", "", "queued", 0, 0, ""),
)  # fmt: skip


def site():
    rows = [row(*player, place=place + 1) for place, player in enumerate(PLAYERS)]
    rows[3] = row(*PLAYERS[3], reasons=TAIL)
    pairs = tuple(
        Pair(one.id, two.id, interval(one.score.point - two.score.point, 3.0))
        for place, one in enumerate(rows)
        for two in rows[place + 1 :]
    )
    return Site(
        season=Season(
            id="season-0",
            title="p2p_market, season 0",
            opened="2026-11-21",
            closed="",
            public=False,
            facts=(("commitment", "ef" * 32), ("season.toml", "01" * 32)),
            scenarios=tuple((name, 13) for name in SCENARIOS),
            rule="no-trade",
            zero="nobody trading",
            beside=board_card("community").beside,
            columns=shown(card("community"), board_card("community")),
        ),
        rows=tuple(rows),
        entries=tuple(entry(one, week() if one.name == "mappo-shared" else None) for one in rows),
        pairs=pairs,
        rules=RULES,
        exports=(("board.csv", b"name\n"),),
        submissions=SUBMISSIONS,
        cite="@software{p2p_market,\n  title = {p2p_market}\n}\n",
    )
