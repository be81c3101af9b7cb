"""Messages are derived from a record, a replay gives the same; how honest forecasts were."""

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.coordination.told import honesty, messages
from p2p_market.community.coordination.words import words
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.further import place
from p2p_market.community.observation import features, observe
from p2p_market.community.rules.contracting import contracting
from p2p_market.community.rules.policy import truthful
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.messages import Answer, ForwardProposal, Message
from p2p_market.registry import load_scenario
from tests.community.coordination.agreeing import BASE, agreeing, week_of

STEPS = 110


def played(scenario):
    return rollout(scenario, week_of(scenario), contracting(scenario), "", steps=STEPS)


def test_a_replay_gives_the_same_messages():
    scenario = agreeing()
    first = played(scenario)
    again = rollout(scenario, week_of(scenario), recorded(first.actions), "again", steps=STEPS)
    said, repeated = (
        "\n".join(message.line() for message in messages(scenario, one)) for one in (first, again)
    )
    assert said == repeated
    assert first.digests == again.digests
    kinds = {message.kind for message in messages(scenario, first)}
    assert {"ForwardProposal", "CoalitionProposal", "Answer", "Signed", "Settled"} <= kinds
    assert "ForecastShare" in kinds
    receiver = {m.receiver for m in messages(scenario, first) if m.kind == "ForecastShare"}
    assert receiver == {"*"}


def test_a_proposal_and_its_answer_follow_each_other():
    scenario = agreeing(columns=("forward",))
    told = messages(scenario, played(scenario))
    asked = next(message for message in told if isinstance(message.content, ForwardProposal))
    answer = next(m for m in told if isinstance(m.content, Answer) and m.receiver == asked.sender)
    assert (answer.step, answer.sender) == (asked.step + 1, asked.receiver)
    assert asked.content.start >= asked.step + 2
    answers = [m.content for m in told if isinstance(m.content, Answer)]
    assert {a.accepted for a in answers if a.reason == "signed"} == {True}
    assert {a.accepted for a in answers if a.reason != "signed"} == {False}
    line = Message(3, "answer", 0, "a", "b", Answer(False, "credit")).line()
    assert line == (
        '{"content": {"accepted": false, "reason": "credit", "version": 1}, "kind": "Answer", '
        '"phase": "answer", "receiver": "b", "sender": "a", "sequence": 0, "step": 3}'
    )


def test_without_agreements_there_is_nothing_to_tell():
    scenario = load_scenario(BASE)
    silent = rollout(scenario, week_of(scenario), truthful(scenario), "", steps=3)
    assert not any(name.startswith("agreed") for name in silent.series)
    assert words(scenario) == ()
    with pytest.raises(ScenarioError, match="no section `coordination`"):
        messages(scenario, silent)


def test_honest_forecasts_are_told_from_others():
    scenario = agreeing(columns=("forecast",))
    episode, told = week_of(scenario), played(scenario)
    column = {feature.name: c for c, feature in enumerate(features(scenario))}
    seen = observe(scenario, episode, engine.start(scenario, episode))
    load, pv = (
        np.stack([seen[..., column[f"{name}_in_{h}h"]] for h in HORIZONS_H], axis=-1)
        for name in ("load", "pv")
    )
    first = load - pv
    assert told.series["agreed_forecast_kw"][0] == pytest.approx(first, abs=1e-6)
    truth = told.series["agreed_forecast_kw"]
    assert honesty(told, truth) == pytest.approx(np.zeros((1, 12)))
    assert (honesty(told, truth + 1.0) > 0.1).all()


def test_infos_say_what_became_of_what_was_said():
    env = CommunityEnv(agreeing(), info="full")
    env.reset(seed=0)
    table, names = env.action_map, env.possible_agents
    said = np.zeros((12, table.width))
    words = {"propose": 1.0, "peer": 2.0, "agreed_quantity": 1.0, "agreed_price": 0.2}
    for word, value in words.items():
        said[0, table.assets + 2 + place(env.scenario, word)] = value
    ask = dict(zip(names, table.normalised(said).astype(np.float32), strict=True))
    told = env.step(ask)[-1]
    assert told["prosumer_0"]["agreements"]["proposal"] == "sent"
    told = env.step(dict(zip(names, table.normalised(0.0 * said), strict=True)))[-1]
    assert told["prosumer_2"]["agreements"]["answers"][0] == "refused"
    assert told["prosumer_0"]["agreements"]["reply"] == "refused"
    assert told["prosumer_0"]["agreements"]["paid_eur"] == 0.0
