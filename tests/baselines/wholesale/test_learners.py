"""Learners of the four roles: documented shapes, arithmetic by hand, trainings that go on alike."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra rl")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

import torch

from baselines.learners.onnx_policy.policy import from_file
from baselines.learners.ppo.export import write_onnx
from baselines.learners.training.checkpoint import read_checkpoint, write_checkpoint
from baselines.wholesale.actor_critic.args import Args as StorageArgs
from baselines.wholesale.actor_critic.network import orders, value_of
from baselines.wholesale.actor_critic.train import Storages
from baselines.wholesale.dqn.network import targets
from baselines.wholesale.learners.play import Play, Twin, of_days
from baselines.wholesale.learners.replay import Replay
from baselines.wholesale.learners.training import preset_of
from baselines.wholesale.maddpg.network import Attending, between, offers, output_of, price_of
from baselines.wholesale.operator.network import CHOICES, by_tap, tap_of
from baselines.wholesale.operator.train import CORNERS
from baselines.wholesale.pretrain import KINDS, REMEMBERING, begun
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.rollout import rollout
from p2p_market.tracks import track_of
from p2p_market.wholesale.actions import STORAGE_PRICES
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH
from p2p_market.wholesale.rules.default import centred
from tests.wholesale.cases import drawn, scenario

SMALL = {"systems": 2, "batch_rows": 16, "validate_every": 1}
DAYS = {"days": 3, "day_updates": 2}


def training(role, path, **settings):
    made, args = KINDS[role]
    given = {**SMALL, **(DAYS if role in REMEMBERING else {}), **settings}
    return made(args(scenario=path, agent_steps=1_000, **given))


def linear_widths(module):
    """Inputs and outputs of each linear layer."""
    layers = [one for one in module.modules() if isinstance(one, torch.nn.Linear)]
    return [(one.in_features, one.out_features) for one in layers]


def seen_in(role, steps=5):
    """Observations of a role in a played week, (moment, agent, feature)."""
    play = Play(scenario(), role, 1, steps, seed=3)
    play.begin(0)
    rows = [play.seen[0]]
    for _ in range(6):
        rows.append(play.by_rule().seen[0])
    return np.stack(rows)


def test_networks_have_the_documented_shapes(short_day):
    generators = training("generator", short_day).bidder.nets
    shapes = [tuple(weight.shape) for weight in generators.weights]
    assert shapes == [(4, 64, 128), (4, 128, 64), (4, 64, 32), (4, 32, 20)]
    storages = training("storage", short_day)
    expected = [(48, 64), (64, 32), (32, 1)]
    assert linear_widths(storages.valuer.body) == linear_widths(storages.critic) == expected
    consumers = training("consumer", short_day)
    assert linear_widths(consumers.pricer.body) == [(40, 64), (64, 32), (32, 1)]
    heads = training("operator", short_day).heads
    assert linear_widths(heads.gate) == [(80, 80)]
    assert linear_widths(heads.trunk) == [(83, 128), (128, 96), (96, 64)]
    assert linear_widths(heads.heads) == [(64, 3 * 25)]


def test_double_q_takes_the_choice_of_one_network_and_the_value_of_the_other():
    ahead, slow = torch.tensor([[1.0, 2.0], [3.0, 0.0]]), torch.tensor([[5.0, 7.0], [9.0, 4.0]])
    reward, ended = torch.tensor([1.0, 1.0]), torch.tensor([0.0, 1.0])
    assert targets(reward, ahead, slow, ended, 0.5).tolist() == [1.0 + 0.5 * 7.0, 1.0]


def test_a_memory_forgets_the_oldest():
    memory = Replay(3, torch.Generator().manual_seed(0))
    for number in range(4):
        memory.add(seen=torch.tensor([[float(number)]]))
    assert sorted(memory.parts["seen"][:, 0].tolist()) == [1.0, 2.0, 3.0]
    assert set(memory.draw(50)["seen"][:, 0].tolist()) == {1.0, 2.0, 3.0}
    memory.add(seen=torch.arange(10.0)[:, None])
    assert sorted(memory.parts["seen"][:, 0].tolist()) == [7.0, 8.0, 9.0]


def test_units_that_do_not_learn_bid_their_cost(short_day):
    coal = training("generator", short_day, unit="coal_0")
    seen = seen_in("generator")
    rule, _ = coal.play.rule.act(seen, None)
    with torch.no_grad():
        for bias in coal.bidder.nets.biases:
            bias.zero_()
        coal.bidder.nets.biases[-1][:, :, 19] = 1e6  # the highest bid is worth most
    action, _ = coal.policy().act(seen, torch.zeros(0, 0))
    np.testing.assert_allclose(action[:, 1:], rule[:, 1:], atol=1e-6)
    assert (action[:, 0] == 1.0).all()


def test_an_unknown_unit_is_refused(short_day):
    with pytest.raises(PolicyError, match="unit: no 'coal_9'; units are coal_0"):
        training("generator", short_day, unit="coal_9")


def test_orders_lie_around_the_value_of_stored_energy():
    low, high = STORAGE_PRICES

    def limit(order):
        return low + (float(order[1]) + 1.0) / 2.0 * (high - low)

    assert value_of(torch.tensor([-1.0, 0.0, 1.0, 3.0])).tolist() == [15.0, 50.0, 85.0, 85.0]
    sells, buys = orders(torch.tensor([50.0, 50.0]), torch.tensor([50.0, 49.0]))
    assert sells[0] == -1.0
    assert limit(sells) == pytest.approx(50.0 / 0.95 + 3.0, abs=1e-4)
    assert buys[0] == 1.0
    assert limit(buys) == pytest.approx(0.95 * 50.0 - 3.0, abs=1e-4)


def test_shaping_leaves_the_profit_of_an_episode_alone(short_day):
    """Money on the way is priced, and at the end the price is taken back."""
    storages = training("storage", short_day, shaping_eur_per_mwh=47.0)
    plain = training("storage", short_day, shaping_eur_per_mwh=0.0)
    segments = []
    for one in (storages, plain):
        one.play.begin(0)
        segments.append(one._played(lambda rows: torch.full((rows,), 0.3)))
    assert not torch.allclose(segments[0].reward, segments[1].reward)
    sums = [one.reward.sum(dim=0) for one in segments]
    torch.testing.assert_close(*sums, atol=1e-3, rtol=1e-3)


def test_prices_of_flexible_load_are_prices_of_offers():
    assert price_of(torch.tensor([0.0, 1.0, 2.0])).tolist() == [20.0, 120.0, 120.0]
    assert float(price_of(torch.tensor(output_of(80.0)))) == 80.0
    assert set(price_of(torch.rand(200)).tolist()) <= set(LEVELS_EUR_PER_MWH)
    near = between(torch.tensor([output_of(75.0)]))[0]
    assert near.argmax() == LEVELS_EUR_PER_MWH.index(75.0)
    assert float(near.sum()) == pytest.approx(1.0, abs=1e-5)
    assert offers(torch.tensor([80.0])).tolist()[0][0] == 1.0


def test_the_critic_attends_to_the_others_and_each_counts():
    critic = Attending(40, torch.Generator().manual_seed(1))
    seen, output = torch.randn(4, 3, 40), torch.rand(4, 3)
    value = critic(seen, output)
    moved = output.clone()
    moved[:, 2] = 1.0 - moved[:, 2]
    other = critic(seen, moved)
    assert (value[:, 0] != other[:, 0]).all()
    order = [1, 0, 2]
    torch.testing.assert_close(critic(seen[:, order], output[:, order]), value[:, order])
    assert critic(seen[:, :1], output[:, :1]).shape == (4, 1)


def test_moves_of_the_tap_start_where_the_rule_stands(short_day):
    operator, seen = training("operator", short_day), seen_in("operator")
    centre = operator.chooser.centre(torch.from_numpy(seen[:, 0]))
    assert centre.tolist() == centred(scenario(), seen.astype(np.float64))[:, 0].tolist()
    values = torch.arange(25.0).expand(5, -1)
    for tap in range(-2, 3):
        by_choice = by_tap(values, torch.full((5,), tap))
        for moved in range(CHOICES):
            choice, left = tap_of(torch.tensor([moved]), torch.tensor([tap]))
            assert 0 <= int(choice) < CHOICES
            assert int(choice) // 5 == moved // 5  # the reserve level is as it was
            assert float(by_choice[0, choice]) == float(values[0, left])


def test_a_preference_changes_what_is_chosen(short_day):
    operator = training("operator", short_day, margin_eur=0.0)
    with torch.no_grad():
        last = operator.heads.heads[-1]
        last.weight.zero_()
        last.bias.zero_()
        values = last.bias.reshape(3, 25)
        values[0, 22], values[1, 2], values[2, 12] = 3.0, 3.0, 3.0
    seen, chosen = seen_in("operator"), set()
    for preference in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)):
        chooser = operator._chooser(preference, torch.Generator())
        chooser.heads.load_state_dict(operator.heads.state_dict())
        choice = int(chooser.means(torch.from_numpy(seen[:1, 0])).argmax())
        chosen.add(choice // 5)
    assert chosen == {0, 2, 4}


def test_a_twin_subtracts_what_the_rule_costs():
    twin = Twin(scenario(), "operator", 2, 3, seed=0)
    twin.begin(0)
    same = twin.act(lambda seen: twin.rule.act(seen, None)[0])
    assert not same.entries_eur.any()
    assert not same.social_eur.any()
    other = twin.act(lambda seen: np.full((2, 1, 1), 24.0))
    assert other.social_eur.all()


def test_days_are_episodes_of_a_day():
    assert of_days(scenario()).steps == 288
    assert of_days(scenario()).fleet.max_mw.tolist() == scenario().fleet.max_mw.tolist()


@pytest.mark.parametrize("role", KINDS)
def test_a_training_goes_on_alike_and_its_file_acts_like_it(role, short_day, tmp_path):
    through, broken = training(role, short_day), training(role, short_day)
    for one in (through, broken):
        one.begin()
        one.learn()
    kind, settings, digest = broken.kind, broken.settings, broken.scenario.digest
    write_checkpoint(tmp_path, kind, settings, digest, broken.state())
    again = training(role, short_day)
    again.restore(read_checkpoint(tmp_path, kind, settings, digest))
    for one in (through, again):
        one.learn()
    assert through.agent_steps == again.agent_steps > 0
    ours, theirs = through.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    path = tmp_path / "policy.onnx"
    write_onnx(path, through.network, through.decision.names, through.meaning)
    policy, seen = from_file(scenario(), str(path), role), seen_in(role)
    ours, _ = through.policy().act(seen, torch.zeros(0, 0))
    theirs, _ = policy.act(seen, policy.start([0] * len(seen)))
    np.testing.assert_allclose(ours, theirs, atol=3e-4)


def test_the_operator_writes_a_file_per_corner(short_day, tmp_path):
    operator = training("operator", short_day)
    operator.play.begin(0)
    written = operator.front(tmp_path)
    assert list(written) == list(CORNERS)
    assert all(path.is_file() for path in written.values())
    with pytest.raises(PolicyError, match="one of stability, cost, environment must be above 0"):
        training("operator", short_day, cost=0.0)


def test_presets_and_what_is_refused(short_day):
    assert preset_of({"seed": 1}, {"systems": 1}) == {"seed": 1}
    assert preset_of({"preset": "reference"}, {"systems": 1}) == {"systems": 1}
    with pytest.raises(PolicyError, match="preset: must be one of fast, reference, not 'slow'"):
        preset_of({"preset": "slow"}, {})
    with pytest.raises(PolicyError, match="is of the track 'community'"):
        Storages(StorageArgs(scenario="classic-v0"))


@pytest.mark.parametrize("role", REMEMBERING)
def test_days_before_the_first_episode_teach(role, short_day):
    given = {"scenario": short_day, "days": 2, "batch_rows": 8}
    drawn, taught = (begun(role, {**given, "day_updates": count}) for count in (0, 3))
    before, after = drawn.learnt(), taught.learnt()
    name = "critic" if role == "consumer" else "network"
    assert any(not torch.equal(before[name][key], after[name][key]) for key in before[name])
    assert drawn.agent_steps == taught.agent_steps == 0


def test_an_episode_of_the_training_split_is_drawn():
    assert drawn().keys[0].split == "test"
    play = Play(scenario(), "storage", 2, 1, seed=0)
    play.begin(1)
    assert {key.split for key in play._batch.keys} == {"train"}


def test_stored_energy_counts_when_it_is_stored(short_day):
    """Over an episode the social cost is that of the ledger."""
    training_ = training("operator", short_day)
    play = Play(training_.scenario, "operator", 2, 1, seed=0)
    play.begin(0)
    counted, ended = 0.0, False
    while not ended:
        done = play.by_rule()
        counted, ended = counted + done.social_eur, done.ended
    track = track_of(training_.scenario)
    play.begin(0)
    singles = [track.draw(training_.scenario, key) for key in play._batch.keys]
    rule = load_cast("default", training_.scenario)
    played = rollout(training_.scenario, track.stack(singles), rule)
    np.testing.assert_allclose(counted, played.social_cost_eur, atol=0.05)


def test_preferences_are_numbers_that_add_up_to_one(short_day):
    operator = training("operator", short_day)
    drawn = operator._preferences(100_000)
    torch.testing.assert_close(drawn.sum(dim=1), torch.ones(100_000))
    assert torch.isfinite(drawn).all()
    assert (drawn >= 0.0).all()
