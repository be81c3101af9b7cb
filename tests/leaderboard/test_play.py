"""What a package plays: seat by seat, with what it remembers in plain sight."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from baselines.learners.onnx_policy.policy import PER_UNIT, from_file
from leaderboard.gate.check import check
from leaderboard.package.package import from_bytes
from leaderboard.playing.play import policies
from leaderboard.sandbox.session import open_session
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.rules.policy import truthful
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.testing import check_policy
from tests.leaderboard.networks import COLUMNS, mixing, network, remembering
from tests.leaderboard.packages import DRAFT, package


def played(files, scenario, kind="onnx"):
    """The policies of a package, through the gate."""
    seeds = ", seeds = [0, 1, 2, 3, 4]" if len(files) > 1 else ""
    draft = DRAFT.replace('"rules"', f'"{kind}"').replace('"None."', f'"None."{seeds}')
    draft = draft.replace('"policy"', '"method"') if seeds else draft
    mine = from_bytes(package(files, draft))
    found = policies(mine, check(mine), scenario)
    return {file: cast["prosumer"] for file, cast in found.items()}


def seats(model, scenario):
    (policy,) = played({"policy.onnx": model.SerializeToString()}, scenario).values()
    return policy


def rule(text, scenario):
    (policy,) = played({"policy.toml": text.encode()}, scenario, "rules").values()
    return policy


@pytest.fixture(scope="module")
def vehicles():
    return load_scenario("ev-12-v0")


@pytest.mark.parametrize("make", [network, mixing, remembering])
def test_networks_keep_the_rules_for_policies(make):
    scenario = load_scenario("classic-v0")
    check_policy(seats(make(), scenario), scenario)


def test_no_seat_sees_another_whatever_the_network_mixes(vehicles):
    policy = seats(mixing(), vehicles)
    seen = CommunityBatch(vehicles, 2).reset(seed=0)
    before, _ = policy.act(seen, policy.start([0, 1]))
    other = seen.copy()
    other[0, 3] *= 1.1
    after, _ = policy.act(other, policy.start([0, 1]))
    changed = np.any(before != after, axis=-1)
    assert changed[0, 3]
    assert changed.sum() == 1
    # shown all rows at once, the same network would tell everybody
    rows = [policy.decision.rows(each)[0] for each in (seen, other)]
    together = [open_session(policy.model).run(None, {"rows": each})[0] for each in rows]
    assert np.all(together[0] != together[1])


def test_a_seat_with_two_devices_is_asked_once(vehicles):
    policy = seats(mixing(), vehicles)
    owners = policy.decision.owners
    assert np.bincount(owners).max() > 1  # so rows of one seat may mix
    rows = policy.decision.rows(CommunityBatch(vehicles, 1).reset(seed=0))[0]
    seat = int(np.bincount(owners).argmax())
    (expected,) = open_session(policy.model).run(None, {"rows": rows[owners == seat]})
    output, _ = policy._ask(rows[owners == seat], np.zeros((2, 0), dtype=np.float32))
    np.testing.assert_array_equal(output, expected)


def test_state_is_kept_per_row_from_zero_on():
    scenario = load_scenario("classic-v0")
    policy = seats(remembering(), scenario)
    batch = CommunityBatch(scenario, 2)
    seen, memory = batch.reset(seed=0), policy.start([0, 1])
    assert memory.shape == (2, len(policy.decision.owners), 3)
    for step in range(1, 4):
        assert np.all(memory == step - 1)
        action, memory = policy.act(seen, memory)
        said = np.round(np.tanh(0.1 * step) * PER_UNIT) / PER_UNIT
        output = np.full((2, len(policy.decision.owners), 1), said)
        np.testing.assert_array_equal(action, policy.decision.actions(seen, output))
        seen = batch.step(action).observations


def test_the_same_as_the_baseline_that_plays_files(tmp_path):
    scenario = load_scenario("classic-v0")
    (tmp_path / "policy.onnx").write_bytes(network().SerializeToString())
    seen = CommunityBatch(scenario, 3).reset(seed=1)
    baseline = from_file(scenario, str(tmp_path / "policy.onnx"))
    expected, _ = baseline.act(seen, baseline.start([0, 1, 2]))
    policy = seats(network(), scenario)
    action, _ = policy.act(seen, policy.start([0, 1, 2]))
    np.testing.assert_allclose(action, expected, atol=2.0 / PER_UNIT)


def test_a_method_has_a_policy_per_training():
    files = {f"seed-{n}.onnx": network(opset=17 + n).SerializeToString() for n in range(5)}
    assert list(played(files, load_scenario("classic-v0"))) == sorted(files)


def test_networks_for_other_scenarios_are_named():
    with pytest.raises(PolicyError, match=r"policy\.onnx: was made for other .* outage-v0: grid"):
        seats(network(), load_scenario("outage-v0"))
    with pytest.raises(PolicyError, match="other observations than those of classic-v0: their ord"):
        seats(network(columns=COLUMNS[::-1]), load_scenario("classic-v0"))


def test_a_network_with_other_outputs_is_named():
    scenario = load_scenario("classic-v0")
    model = network(decision="full")
    with pytest.raises(PolicyError, match="other observations"):
        seats(model, scenario)


RULES = ["no-trade", "truthful", "zero-intelligence", "zip", "gjerstad-dickhaut", "storage-value",
         "random"]  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_rules_are_the_baselines(name):
    scenario = load_scenario("classic-v0")
    mine, baseline = rule(f'rule = "{name}"', scenario), load_policy(name, scenario)
    episode = stack([draw(scenario, choose_key(scenario, 0, "validation", 0))])
    costs = [rollout(scenario, episode, each).social_cost_eur for each in (mine, baseline)]
    assert costs[0] == pytest.approx(costs[1], abs=1e-3)


def test_settings_have_an_effect():
    scenario = load_scenario("classic-v0")
    seen = CommunityBatch(scenario, 2).reset(seed=0)

    def price(policy):
        return policy.act(seen, policy.start([0, 1]))[0][..., -1]

    truth, shaded = truthful(scenario), rule('rule = "truthful"\nmargin = 0.5', scenario)
    buys = truth.act(seen, None)[0][..., -2] > 0.0
    plain = rule('rule = "truthful"', scenario)
    assert np.all(price(shaded)[buys] < price(plain)[buys])
    assert np.all(price(shaded)[~buys] > price(plain)[~buys])
    values = [rule(f'rule = "storage-value"\n{more}', scenario) for more in
              ("", "reach = 0.5", "horizon_h = 2")]  # fmt: skip
    actions = [policy.act(seen, policy.start([0, 1]))[0] for policy in values]
    assert not np.array_equal(actions[0], actions[1])
    assert not np.array_equal(actions[0], actions[2])
