"""Energy and money balance, whatever the agents do; strict mode never fires on what agents send."""

import numpy as np
import pytest

from p2p_market.community import engine, invariants
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.records import SOCIAL_COLUMNS
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY

IDS = COMMUNITY


def wild_actions(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random, extreme and malformed numbers."""
    actions = generator.uniform(-1.5, 1.5, shape)
    extreme = generator.random(shape) < 0.2
    actions[extreme] = generator.choice([-1.0, 1.0, 0.0, 1e9, -1e300, 1e-300], extreme.sum())
    broken = generator.random(shape) < 0.01
    actions[broken] = generator.choice([np.nan, np.inf, -np.inf], broken.sum())
    return actions


def check_episodes(scenario_id: str, seeds: range, steps: int | None = None) -> None:
    """Play one batch of episodes, one per seed."""
    scenario, episodes = load_scenario(scenario_id), len(seeds)
    split = ("train", "validation", "test")
    keys = [choose_key(scenario, seed, split[seed % 3], seed % 13) for seed in seeds]
    episode = stack([draw(scenario, key) for key in keys])
    generator = np.random.default_rng(seeds.start)
    table, state = action_map(scenario), engine.start(scenario, episode)
    shape = (episodes, len(scenario.agents), table.width)
    social, reward, balance = np.zeros((3, episodes))
    for _ in range(scenario.steps if steps is None else steps):
        present = generator.random(shape[:2]) > 0.01
        physical = table.physical(wild_actions(generator, shape))
        proposal = to_proposal(physical, present, table.further)
        before = state
        state, outcome = engine.step(scenario, episode, state, proposal, strict=True)
        residual = invariants.residuals(
            scenario, episode, before, outcome.action, outcome.fills, outcome.ledger, outcome.flows
        )
        assert residual.max() <= 1e-5
        social += outcome.ledger.entries_eur[..., list(SOCIAL_COLUMNS)].sum(axis=(1, 2))
        reward += outcome.reward.sum(axis=1)
        balance += outcome.ledger.operator_balance_eur
    assert np.abs(balance).max() <= 1e-5
    assert reward == pytest.approx(-social - balance, abs=1e-6)


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", IDS)
def test_fifty_wild_episodes_balance(scenario_id):
    check_episodes(scenario_id, range(50))


@pytest.mark.parametrize("scenario_id", IDS)
def test_a_few_wild_steps_balance(scenario_id):
    check_episodes(scenario_id, range(2), steps=12)


@pytest.mark.slow
@pytest.mark.parametrize("scenario_id", IDS)
def test_a_thousand_wild_episodes_balance(scenario_id):
    for first in range(0, 1000, 200):  # five batches, which fit into memory
        check_episodes(scenario_id, range(first, first + 200))
