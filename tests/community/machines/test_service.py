"""Maintenance: when it begins, that nothing runs meanwhile, and that it is done in time."""

import numpy as np
import pytest

from baselines.community.mpc.foresight import foresight
from baselines.community.optimal.policy import optimum
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features, observe
from p2p_market.community.rules.policy import truthful
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.rollout import rollout
from tests.community.machines.zoo import PLAIN, community, content

pytestmark = [pytest.mark.xdist_group("machines"), *PLAIN]

SCENARIO = community("biogas_service")
EPISODE = draw(SCENARIO, choose_key(SCENARIO, 0, "test", 1))
LAST = 5 * 24 - 8


def powers(said):
    """Executed powers of the engine that is asked to run flat out, and what its owner saw."""
    table, shape = action_map(SCENARIO), (1, len(SCENARIO.agents))
    names = [one.name for one in features(SCENARIO)]
    state, found, seen = engine.start(SCENARIO, EPISODE), [], []
    for step in range(130):
        physical = np.zeros((*shape, table.width))
        physical[0, 0, 0], physical[0, 0, -1] = -30.0, said(step)
        seen.append(dict(zip(names, observe(SCENARIO, EPISODE, state)[0, 0], strict=True)))
        proposal = to_proposal(physical, np.ones(shape, dtype=np.bool_), table.further)
        state, done = engine.step(SCENARIO, EPISODE, state, proposal)
        found.append(done.action.setpoint_kw[0, 0, 0])
    return np.array(found), seen


@pytest.mark.parametrize(
    ("said", "first"),
    [
        (lambda step: 0.0, LAST),
        (lambda step: 0.4, LAST),
        (lambda step: float(step >= 30), 30),
        (lambda step: float(step == 50), 50),
    ],
    ids=["nothing", "too little", "from then on", "once"],
)
def test_it_begins_when_it_is_said_or_at_last_and_nothing_runs_meanwhile(said, first):
    power_kw, seen = powers(said)
    still = np.flatnonzero(power_kw == 0.0)
    assert still.tolist() == list(range(first, first + 8))
    assert [one["service_left"] for one in seen[first : first + 9]] == [0, *range(7, -1, -1)]
    assert seen[0]["service_wait"] == LAST
    assert seen[first + 1]["service_wait"] == 0.0
    low = [one["power_low_0"] for one in seen]
    assert low[first + 1 : first + 8] == [0.0] * 7
    assert (low[first] == 0.0) == (first == LAST)  # who is told begins by itself


def test_the_rule_stands_still_in_the_night_before_the_last_day():
    played = rollout(SCENARIO, EPISODE, truthful(SCENARIO), "truthful")
    assert not played.series["setpoint_kw"][94:102, 0, 0, 0].any()


def test_the_optimum_chooses_a_time_that_costs_little():
    plan = optimum(SCENARIO).plan(EPISODE).schedule
    begins = np.flatnonzero(plan["service"][:, 0])
    assert len(begins) == 1
    assert begins[0] <= LAST
    assert not plan["setpoint_kw"][begins[0] : begins[0] + 8, 0, 0].any()
    assert not plan["service"][:, 1].any()


def test_what_does_not_fit_is_refused():
    for change, told in (
        ({"maintenance_by_day": 9}, "after the last of 7 days"),
        ({"maintenance_h": 30, "maintenance_by_day": 1}, "do not fit before the end of day 1"),
    ):
        values = content("biogas_service")
        values["members"][0]["assets"][-1] |= change
        with pytest.raises(ScenarioError, match=told):
            build(validated(values, "zoo.yaml"))
    values = content("biogas_service", optimum="linear")
    with pytest.raises(ScenarioError, match="maintenance needs `optimum: mixed_integer`"):
        build(validated(values, "zoo.yaml"))
    values = content("biogas_service", outages={"windows": 1, "hours": [1, 2]})
    with pytest.raises(ScenarioError, match="outages and maintenance cannot be combined"):
        build(validated(values, "zoo.yaml"))
    values = content("biogas_service")
    values["members"][0]["assets"].append(values["members"][0]["assets"][-1])
    with pytest.raises(ScenarioError, match="prosumer_0 has 2 devices with maintenance"):
        build(validated(values, "zoo.yaml"))
    with pytest.raises(ScenarioError, match="choose when maintenance is, for which a plan"):
        foresight(SCENARIO)
