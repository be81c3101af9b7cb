"""Further columns of an action: what says nothing, who is not heard, what a plan says."""

import numpy as np
import pytest

from p2p_market.community import engine, further, track
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.further import FurtherColumn
from p2p_market.community.optimum.plan import plan_actions
from p2p_market.registry import load_scenario


def whistle(scenario):
    """Members may whistle up to 3 Pa; the first cannot."""
    highest = np.full(len(scenario.agents), 3.0)
    highest[0] = 0.0
    return (FurtherColumn("whistle", "Pa", np.zeros(len(highest)), highest),)


@pytest.fixture
def scenario(monkeypatch):
    caches = (further.further_columns, action_map, track.roles)
    for cached in caches:
        cached.cache_clear()
    monkeypatch.setattr(further, "OPTIONS", (whistle,))
    yield load_scenario("classic-v0")
    for cached in caches:
        cached.cache_clear()


def proposal(scenario, said):
    table = action_map(scenario)
    nothing = np.zeros((1, len(scenario.agents), table.assets))
    asked = table.orders(nothing, nothing[..., 0], [said])
    present = np.ones(nothing.shape[:2], dtype=np.bool_)
    return to_proposal(table.physical(asked), present, table.further)


def test_a_column_stands_after_the_price_and_rests_at_nothing(scenario):
    (role,) = track.roles(scenario)
    assert [column.name for column in role.columns[-2:]] == ["price", "whistle"]
    said = action_map(scenario).physical(role.rest)[:, -1]
    assert not said.any()
    assert role.rest[1, -1] == -1.0
    assert not action_map(scenario).present[0, -1]
    assert action_map(scenario).present[1, -1]


def test_who_says_something_impossible_is_not_heard(scenario):
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    said = np.full((1, len(scenario.agents)), 2.0)
    said[0, 1], said[0, 2] = np.nan, 1e7
    state = engine.start(scenario, episode)
    _, done = engine.step(scenario, episode, state, proposal(scenario, said))
    assert done.cause[0, :4].tolist() == [0, 1, 1, 0]
    assert done.proposal.further[0, :4, 0].tolist() == [0.0, 0.0, 0.0, 2.0]


def test_a_plan_says_it_by_name(scenario):
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    steps, agents = scenario.steps, len(scenario.agents)
    said = np.tile(np.arange(steps)[:, None] % 3, (1, agents)).astype(float)
    schedule = {
        "setpoint_kw": np.zeros((steps, agents, action_map(scenario).assets)),
        "order_kw": np.ones((steps, agents)),
        "whistle": said,
    }
    actions = plan_actions(scenario, episode, schedule)
    assert np.allclose(action_map(scenario).physical(actions)[:, 0, 1:, -1], said[:, 1:])
    del schedule["whistle"]
    silent = action_map(scenario).physical(plan_actions(scenario, episode, schedule))
    assert not silent[..., -1].any()
