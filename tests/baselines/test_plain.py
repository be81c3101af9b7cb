"""Networks over the observation: they ask by name and decide by name; other columns rest."""

import numpy as np
import pytest

from baselines.learners.plain import IS, fitted, outputs_of, plain
from p2p_market import make, make_batch
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario


@pytest.fixture(scope="module")
def classic():
    return plain(load_scenario("classic-v0"))


def shown(name):
    env = make(name)
    seen, _ = env.reset(seed=0)
    return np.stack([*seen.values()])[None]


def test_columns_are_asked_for_by_name_in_any_order(classic):
    names = [feature.name for feature in classic.role.features]
    asked = [names[7], names[2], names[40]]
    decision = fitted(classic, asked, None, classic.scenario)
    seen = shown("classic-v0")
    assert decision.names == tuple(asked)
    np.testing.assert_array_equal(decision.rows(seen), seen[..., [7, 2, 40]])
    np.testing.assert_array_equal(classic.rows(seen), seen)


def test_it_plays_where_more_is_observed(classic):
    """With outages a member observes one thing more; the others are as before."""
    outage = plain(load_scenario("outage-v0"))
    decision = fitted(outage, classic.names, outputs_of(classic.role), outage.scenario)
    assert decision.names == classic.names != outage.names
    assert decision.rows(shown("outage-v0")).shape[-1] == len(classic.names)


@pytest.mark.parametrize(
    ("columns", "actions", "says"),
    [
        (["load", "mood", "soc_9"], None,
         "was made for other observations than those of classic-v0: mood, soc_9 (not here); train"),
        (["load"], {"setpoint_0": 1, "setpoint_1": 1},
         "other actions than those of classic-v0: setpoint_0, setpoint_1 in the network, "
         "setpoint_0, quantity, price here; train it in this scenario"),
        (["load"], {}, "other actions than those of classic-v0"),
        (["load"], {"price": 2}, "other actions than those of classic-v0: price (2) in the net"),
        (["load"], {"energy": 21}, "energy (21) in the network, setpoint_0, quantity, price here"),
        (["load", f"{IS}prosumer_0"], None,
         "was made for 1 agents, and classic-v0 has more: is:prosumer_1, is:prosumer_2"),
        (["load", *(f"{IS}prosumer_{n}" for n in range(7))], None, "is:prosumer_6 (not here)"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(classic, columns, actions, says):
    with pytest.raises(PolicyError) as caught:
        fitted(classic, columns, actions, classic.scenario)
    assert says in str(caught.value)


def test_an_agent_may_know_who_it_is(classic):
    asked = ["load", *(f"{IS}{agent}" for agent in reversed(classic.role.agents))]
    rows = fitted(classic, asked, None, classic.scenario).rows(shown("classic-v0"))
    np.testing.assert_array_equal(rows[0, :, 1:], np.eye(6)[:, ::-1])
    assert rows.dtype == np.float32


def test_a_column_that_it_does_not_decide_rests():
    """Members of `ev-12-v0` have two devices, those of `classic-v0` one."""
    homes = plain(load_scenario("ev-12-v0"))
    made = plain(load_scenario("classic-v0"))
    decision = fitted(homes, made.names, outputs_of(made.role), homes.scenario)
    seen, output = shown("ev-12-v0"), np.tile([0.5, -2.0, 0.25], (1, 12, 1))
    assert (decision.width, decision.resting) == (3, ("setpoint_1",))
    np.testing.assert_array_equal(
        decision.actions(seen, output), np.tile([0.5, 0.0, -1.0, 0.25], (1, 12, 1))
    )
    turned = fitted(homes, ["load"], {"price": 1, "setpoint_1": 1}, homes.scenario)
    np.testing.assert_array_equal(
        turned.actions(seen, output[..., :2]), np.tile([0.0, -1.0, 0.0, 0.5], (1, 12, 1))
    )


def test_choices_rest_too_and_keep_their_masks():
    battery = plain(load_scenario("battery-146-v0"))
    batch = make_batch("battery-146-v0", 1)
    seen, allowed = batch.reset(seed=0)
    only = fitted(battery, battery.names, {"energy": 21}, battery.scenario)
    output, played = np.linspace(0.0, 1.0, 21)[None, None], []
    for _ in range(12):
        action = only.actions(seen, output)
        best = np.flatnonzero(allowed[0, 0, 10:])[-1]
        np.testing.assert_array_equal(action[0, 0], [0, 2, best])
        played.append(best)
        after = batch.step(action)
        seen, allowed = after.observations, after.masks
    assert min(played) < max(played), "no energy was ever forbidden, and this shows nothing"
    assert battery.role.rest[0].tolist() == [0, 2, 10]


def test_of_choices_the_largest_that_is_allowed(classic):
    battery = plain(load_scenario("battery-146-v0"))
    assert outputs_of(battery.role) == {"offer": 5, "tier": 5, "energy": 21}
    assert battery.width == 31
    assert len(battery.names) == 58
