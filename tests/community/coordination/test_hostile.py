"""The compiled step is the pure one with agreements too; laws hold whatever members say."""

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.coordination.credit import open_contracts
from p2p_market.community.coordination.terms import packed_terms
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.fused.boards import CompiledBoard, PureBoard, board
from p2p_market.community.kernel_inputs import packed_rules
from p2p_market.community.observation import features
from tests.community.coordination.agreeing import agreeing, week_of, wild

pytestmark = [pytest.mark.compiled, pytest.mark.xdist_group("agreements")]


@pytest.mark.parametrize("settings", [{}, {"settled": "delivery", "credit_eur": 3.0}])
def test_the_compiled_step_is_the_pure_one(settings):
    scenario = agreeing(**settings)
    episode, generator = week_of(scenario), np.random.default_rng(5)
    state = engine.start(scenario, episode)
    pure = PureBoard(scenario, episode, state, strict=True)
    compiled = board(scenario, episode, state, strict=True)
    assert isinstance(compiled, CompiledBoard)
    shape = (1, 12)
    rewards = np.empty((2, *shape))
    seen = np.empty((2, *shape, len(features(scenario))), dtype=np.float32)
    low = np.array([feature.low for feature in features(scenario)])
    high = np.array([feature.high for feature in features(scenario)])
    for _ in range(200):
        actions, present = wild(scenario, generator)
        for side, one in enumerate((pure, compiled)):
            one.play(actions, present, rewards[side], seen[side])
        assert rewards[0].tobytes() == rewards[1].tobytes()
        assert seen[0].tobytes() == seen[1].tobytes()
        assert (seen[0] >= low - 1e-6).all()
        assert (seen[0] <= high * (1.0 + 1e-6) + 1e-6).all()
    mine, other = pure.state().agreements.arrays(), compiled.state().agreements.arrays()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(mine, other, strict=True))
    assert (pure.state().agreements.coalition >= 0).any()


@pytest.mark.parametrize("settled", ["difference", "delivery"])
def test_whatever_is_said_money_balances_and_nobody_loses_more_than_its_credit(settled):
    """More than 10^5 steps of a community under each kind of settlement."""
    scenario = agreeing(settled=settled, credit_eur=5.0)
    batch, generator = CommunityBatch(scenario, 4), np.random.default_rng(8)
    rules, terms = packed_rules(scenario), packed_terms(scenario)
    for episode in range(50):
        batch.reset(seed=4 * episode)
        for _ in range(scenario.steps - 1):
            actions, _ = wild(scenario, generator, batch.batch)
            batch.step(actions)
            agreed = batch._board.moving.agreements
            assert np.abs(agreed.money_eur.sum(axis=1)).max() <= 1e-9
            assert np.abs(agreed.matched_kw.sum(axis=1)).max() <= 1e-9
            assert agreed.lost_eur.max() <= 5.0 + 1e-9
            assert not batch._board.work[0].residual.max() > 1e-5
        step = batch._board.step
        for b in range(batch.batch):
            for i in range(12):
                *_, open_eur = open_contracts(rules, terms, step, agreed.contracts[b], i, i)
                assert max(agreed.lost_eur[b, i], 0.0) + open_eur <= 5.0 + 1e-9
