"""docs/rebuild.md says what the package does: code written from the page finds its numbers.

`fixed.py`, `drawn.py` and `played.py` beside this file know the page, the scenario file and the
data set; of the package they import nothing.
"""

import hashlib
import json
import math
import re
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.episode.episode import draw, reference_key
from p2p_market.community.metrics import allocation_gap_eur
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.schema import Reward
from p2p_market.community.trace import scripted_actions
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.evaluation.statistics.bootstrap import named_generator
from p2p_market.evaluation.statistics.scores import score
from p2p_market.evaluation.statistics.summary import summarise
from p2p_market.evaluation.tables.overview import STREAM
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey
from tests.docs import drawn, fixed, played

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "rebuild.md").read_text(encoding="utf-8")
WEEKS = {"classic-v0": 2, "ev-12-v0": 3, "outage-v0": 7}  # week 2: the clocks change on its Sunday
REWARD = Reward(
    carbon_weight=0.5, overload_weight=2.0, filter_penalty_eur_per_kwh=0.05, community_share=0.3
)


@lru_cache(maxsize=3)
def known(scenario_id):
    return load_scenario(scenario_id)


@lru_cache(maxsize=3)
def rebuilt(scenario_id):
    scenario = known(scenario_id)
    start_day = 28 * WEEKS[scenario_id] + 21
    return drawn.Drawn(
        fixed.Community(scenario.spec, scenario.data), EpisodeKey("test", start_day, 0)
    )


@lru_cache(maxsize=3)
def rule_week(scenario_id):
    """The rebuilt no-trade rule in a rebuilt week."""
    e = rebuilt(scenario_id)
    now, steps = played.begin(e), []
    everyone = np.ones(len(e.c.loads), dtype=bool)
    for t in range(e.c.steps):
        action = played.no_trade(e.c, played.observe(e, now, t))
        now, step = played.play(e, now, t, action, everyone)
        steps.append(step)
    return steps


@pytest.mark.parametrize("scenario_id", WEEKS)
def test_an_episode_is_drawn_as_the_page_says(scenario_id):
    scenario, mine = known(scenario_id), rebuilt(scenario_id)
    key = reference_key(scenario, WEEKS[scenario_id])
    assert key == mine.key
    episode = draw(scenario, key)
    names = [field.name for field in fields(episode) if hasattr(mine, field.name)]
    assert len(names) == 20
    for name in names:
        theirs = getattr(episode, name)
        theirs = theirs[0] if name == "start_energy_kwh" else theirs[:, 0]
        np.testing.assert_allclose(getattr(mine, name), theirs, rtol=0, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(mine.c.peak_kw, scenario.peak_load_kw, rtol=0, atol=1e-9)
    np.testing.assert_allclose(mine.c.fee, scenario.network_fee_eur_per_kwh, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scenario_id", WEEKS)
def test_the_no_trade_rule_costs_what_the_reference_table_says(scenario_id):
    table = json.loads((ROOT / f"p2p_market/reference/{scenario_id}.json").read_text("utf-8"))
    ledger = np.stack([step.ledger for step in rule_week(scenario_id)])
    entry = table["episodes"][WEEKS[scenario_id]]
    assert played.social_cost_eur(ledger) == pytest.approx(entry["rule_eur"], abs=1e-9)


@pytest.mark.parametrize("scenario_id", ["classic-v0", "outage-v0"])
def test_best_matching(scenario_id):
    scenario, e = known(scenario_id), rebuilt(scenario_id)
    episode = draw(scenario, e.key)
    theirs = rollout(scenario, episode, load_policy("no-trade", scenario))
    gap = sum(played.allocation_eur(e, t, step) for t, step in enumerate(rule_week(scenario_id)))
    assert gap == pytest.approx(allocation_gap_eur(scenario, episode, theirs)[0], abs=1e-9)
    chain = b""
    for t in range(scenario.steps):
        digest = hashlib.sha256(chain + theirs.series["energy_kwh"][t, 0].tobytes())
        digest.update(np.zeros(len(scenario.agents), dtype="<i8").tobytes())  # nobody is held
        digest.update(theirs.series["fill_kw"][t, 0].tobytes() + theirs.entries_eur[t, 0].tobytes())
        chain = digest.digest()
    assert chain.hex() == theirs.digests[0]


@pytest.mark.parametrize("scenario_id", WEEKS)
def test_a_week_of_wild_actions(scenario_id):
    """Observations, filter, fallback, market, ledger, correction, penalty and reward."""
    spec = known(scenario_id).spec.model_copy(update={"id": "mine-v0", "reward": REWARD})
    scenario = build(spec)
    env = CommunityEnv(scenario, strict=True, info="full")
    seen, _ = env.reset(seed=4, options={"split": "test", "week": WEEKS[scenario_id]})
    e = drawn.Drawn(fixed.Community(spec, scenario.data), env.episode_key)
    now, agents = played.begin(e), env.possible_agents
    script = scripted_actions(scenario, 3)[:, 0]
    for t in range(scenario.steps):
        mine = played.observe(e, now, t)
        np.testing.assert_allclose(mine, np.stack(list(seen.values())), rtol=1e-6, atol=1e-9)
        action, present = script[t], np.ones(len(agents), dtype=bool)
        if t % 37 == 5:
            action[t % len(agents), 0] = np.nan
        if t % 53 == 7:
            present[3 * t % len(agents)] = False
        now, step = played.play(e, now, t, action, present)
        sent = {agent: action[i] for i, agent in enumerate(agents) if present[i]}
        seen, rewards, _, _, infos = env.step(sent)
        told = {key: [info[key] for info in infos.values()] for key in env.info_keys}
        filtered = np.column_stack([step.setpoint, step.quantity, step.price])
        for own, theirs in (
            (filtered, told["filtered"]),
            (step.net, told["net_load_kw"]),
            (step.fill, told["fill_kw"]),
            (step.correction, told["correction_kw"]),
            (step.ledger, told["ledger_eur"]),
            (step.reward, list(rewards.values())),
        ):
            np.testing.assert_allclose(own, np.array(theirs), rtol=0, atol=1e-9)


def test_keys_of_an_environment():
    env = CommunityEnv(known("classic-v0"))
    days = [28 * cycle + first for cycle in range(13) for first in (2, 3)]
    for number in range(3):
        env.reset(seed=7 if number == 0 else None, options={"week": 3} if number == 2 else None)
        child = np.random.SeedSequence(7, spawn_key=(number,))
        seed = int(child.generate_state(1, np.uint64)[0] >> np.uint64(1))
        start = 28 * 3 + 2 if number == 2 else days[np.random.default_rng(seed).integers(26)]
        assert env.episode_key == EpisodeKey("train", start, seed)


def ratio(rule, own, best):
    return 100 * (rule - own).sum(axis=-1) / (rule - best).sum(axis=-1)


def blocks(rule, own, best):
    parts = [ratio(*(cost[..., first::3] for cost in (rule, own, best))) for first in range(3)]
    return np.concatenate(parts, axis=-1)


def mean_of_ranks(scores, first, last):
    place = np.arange(scores.shape[-1])
    width = np.maximum(0, np.minimum(place + 1, last) - np.maximum(place, first))
    return (np.sort(scores, axis=-1) * width).sum(axis=-1) / (last - first)


def ends(draws, rule, best):
    weight = rule - best
    n = (weight.sum(axis=-1) ** 2 / (weight**2).sum(axis=-1)).mean()
    v, z = n - 1, 1.959963984540054
    t = z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
    t += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    tail = round(math.erfc(math.sqrt(n / v) * t / math.sqrt(2)) / 2, 6)
    return np.quantile(draws, [tail, 1 - tail])


def test_intervals():
    draw_costs = np.random.default_rng(1)
    rule = draw_costs.lognormal(4.0, 1.0, (2, 13))
    best = rule - draw_costs.lognormal(1.5, 0.7, (2, 13))
    own = rule - (rule - best) * draw_costs.normal(0.6, 0.3, (2, 13))
    weeks = np.random.default_rng(0).integers(13, size=(10_000, 1, 13))[:, 0]
    draws = ratio(*(cost[0][weeks] for cost in (rule, own, best)))
    found = score(rule[0], own[0], best[0], np.random.default_rng(0))
    assert (found.low, found.high) == pytest.approx(ends(draws, rule[:1], best[:1]), abs=1e-9)

    assert STREAM == "p2p_market/summary/1"
    assert f"`{STREAM}`" in PAGE
    named = np.random.default_rng(list(STREAM.encode()))
    weeks = named.integers(13, size=(10_000, 1, 13))[:, 0]
    resampled = (np.moveaxis(cost[:, weeks], 0, 1) for cost in (rule, own, best))
    draws = mean_of_ranks(blocks(*resampled), 1.5, 4.5)
    summary = summarise(["mine"], ["a", "b"], rule, own[None], best, named_generator(STREAM))[0]
    assert (summary.low, summary.high) == pytest.approx(ends(draws, rule, best), abs=1e-9)
    assert summary.cvar == pytest.approx(mean_of_ranks(blocks(rule, own, best), 0, 0.6), abs=1e-9)


def test_the_code_of_the_page_runs(capsys):
    (code,) = re.findall(r"^```py\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    exec(compile(code, "docs/rebuild.md", "exec"), {})
    assert capsys.readouterr().out == "EpisodeKey(split='test', start_day=161, seed=0)\n"
