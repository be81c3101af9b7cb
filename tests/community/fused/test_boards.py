"""The compiled step is the pure one, bit for bit: every scenario, mechanism, fault and batch."""

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.fused import board
from p2p_market.community.fused.boards import CompiledBoard, PureBoard, of_episode
from p2p_market.community.fused.kernel import play
from p2p_market.community.fused.tables import tables_of, workspace
from p2p_market.community.kernel_inputs import fixed
from p2p_market.community.observation import features, observe
from p2p_market.community.records import SUPERVISOR_CAUSES
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.schema import Faults, FollowingFeedIn, Reward
from p2p_market.errors import InvariantError
from p2p_market.market import MECHANISMS
from p2p_market.records import Record
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY

STEPS = 60


def changed(scenario_id, **settings):
    """A scenario of its own with some settings changed."""
    spec = load_scenario(scenario_id).spec
    return build(spec.model_copy(update={"id": f"{spec.id[:-3]}-changed-v0", **settings}))


def following():
    """Classic, paid by the day-ahead price less what makes half of the hours negative."""
    contract = load_scenario("classic-v0").spec.contracts["day_and_night"]
    tariff = {"feed_in_eur_per_kwh": None, "feed_in": FollowingFeedIn(adder_eur_per_kwh=-0.045)}
    return changed("classic-v0", contracts={"day_and_night": contract.model_copy(update=tariff)})


FAULTY = Faults(per_agent_day=3.0, hours=(0.5, 3.0))
PENALISED = Reward(filter_penalty_eur_per_kwh=0.2)
CASES = {
    **{name: lambda name=name: load_scenario(name) for name in COMMUNITY},
    **{
        f"classic-v0+{rule}": lambda rule=rule: changed("classic-v0", mechanism=rule)
        for rule in MECHANISMS
    },
    "classic-v0+following": following,
    "classic-v0+faults": lambda: changed("classic-v0", faults=FAULTY),
    "ev-12-v0+faults": lambda: changed("ev-12-v0", faults=FAULTY),
    "outage-v0+faults": lambda: changed("outage-v0", faults=FAULTY),
    **{
        f"{name}+penalty": lambda name=name: changed(name, faults=FAULTY, reward=PENALISED)
        for name in ("classic-v0", "ev-12-v0", "outage-v0", "binding-feeder-v0")
    },
}


def wild(generator, shape):
    """Actions with a few that are no numbers, too large, or did not arrive."""
    actions = generator.uniform(-1.2, 1.2, shape)
    actions[generator.random(shape) < 0.01] = np.nan
    actions[generator.random(shape) < 0.01] = 1e300
    return actions, generator.random(shape[:2]) > 0.02


def bits(value):
    """Every bit of a record or an array."""
    if isinstance(value, Record):
        return {f.name: bits(getattr(value, f.name)) for f in fields(value)}
    return value.tobytes() if isinstance(value, np.ndarray) else value


def buffers(scenario, batch):
    shape = (batch, len(scenario.agents))
    return np.empty(shape), np.empty((*shape, len(features(scenario))), dtype=np.float32)


def assert_equal_play(scenario, game, episode, state, steps, seed=0):
    """Both step through the same actions and agree in state, outcome, rewards, observations."""
    generator, table = np.random.default_rng(seed), action_map(scenario)
    reward, seen = buffers(scenario, episode.batch)
    game.show(seen)
    assert seen.tobytes() == observe(scenario, episode, state).tobytes()
    for _ in range(steps):
        actions, present = wild(generator, (*reward.shape, table.width))
        game.play(actions, present, reward, seen)
        proposal = to_proposal(table.physical(actions), present, table.further)
        state, outcome = engine.step(scenario, episode, state, proposal, strict=False)
        assert bits(game.state()) == bits(state)
        assert bits(game.outcome()) == bits(outcome)
        assert reward.tobytes() == outcome.reward.tobytes()
        assert seen.tobytes() == observe(scenario, episode, state).tobytes()
        assert game.cause().tolist() == outcome.cause.tolist()
    return outcome


PLAIN = ("classic-v0", "ev-12-v0", "outage-v0", "binding-feeder-v0")  # and what is made of them


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name.startswith(PLAIN) else pytest.mark.compiled)
        for name in CASES
    ],
)
def test_compiled_and_pure_step_agree_in_every_bit(name):
    scenario = CASES[name]()
    episode = stack([draw(scenario, choose_key(scenario, seed)) for seed in range(3)])
    begin = max(scenario.steps - STEPS, 0)  # to the end, where the terminal value falls due
    levels = np.broadcast_to(scenario.nodes.energy_max_kwh, episode.start_energy_kwh.shape) * 0.8
    state = engine.state_at(scenario, episode, begin, np.where(episode.plugged[begin], levels, 0.0))
    game = board(scenario, episode, state, strict=False)
    assert isinstance(game, CompiledBoard)
    assert_equal_play(scenario, game, episode, state, scenario.steps - begin)


def test_from_the_first_step_too():
    scenario = load_scenario("ev-12-v0")
    episode = draw(scenario, choose_key(scenario, 5))
    state = engine.start(scenario, episode)
    assert_equal_play(scenario, board(scenario, episode, state, True), episode, state, STEPS)


@pytest.mark.parametrize(("rows", "threads"), [(1, 1), (2, 1), (3, 1), (6, 1), (2, 2), (1, 4)])
def test_how_many_are_played_at_a_time_changes_nothing(rows, threads):
    """Nor do neighbours: a community's rewards are the same alone and among others."""
    scenario = load_scenario("outage-v0")
    episodes = [draw(scenario, choose_key(scenario, seed)) for seed in range(6)]
    together, generator = stack(episodes), np.random.default_rng(1)
    game = CompiledBoard(
        scenario, tables_of(scenario, False), *of_episode(together),
        [workspace(scenario, rows, 6) for _ in range(threads)], engine.start(scenario, together),
    )  # fmt: skip
    alone = [board(scenario, e, engine.start(scenario, e), False) for e in episodes]
    reward, seen = buffers(scenario, 6)
    for _ in range(STEPS):
        actions, present = wild(generator, (*reward.shape, action_map(scenario).width))
        game.play(actions, present, reward, seen)
        for b, single in enumerate(alone):
            own_reward, own_seen = buffers(scenario, 1)
            single.play(actions[b : b + 1], present[b : b + 1], own_reward, own_seen)
            assert own_reward.tobytes() == reward[b].tobytes()
            assert own_seen.tobytes() == seen[b].tobytes()


@pytest.mark.parametrize("kernel", [None, lambda *arguments: None])
def test_a_mechanism_in_plain_python_is_played_by_the_pure_step(monkeypatch, kernel):
    """Also one whose kernel was listed when the step had been put together."""
    plain = replace(MECHANISMS["k_double_auction"], kernel=kernel)
    monkeypatch.setattr("p2p_market.community.fused.boards.MECHANISMS", {"k_double_auction": plain})
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, choose_key(scenario, 0))
    state = engine.start(scenario, episode)
    game = board(scenario, episode, state, strict=False)
    assert isinstance(game, PureBoard)
    assert game.outcome() is None
    assert_equal_play(scenario, game, episode, state, 5)


@pytest.mark.parametrize("strict", [True, False])
def test_broken_laws_raise_where_asked_and_latch_otherwise(strict):
    """Tables that tear: levels are lifted to a minimum that the tube knows nothing of."""
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    tables, lifted = tables_of(scenario, strict), fixed(0.9 * scenario.nodes.energy_max_kwh)
    nodes = tables.rules.nodes._replace(energy_min_kwh=lifted)
    torn = tables._replace(rules=tables.rules._replace(nodes=nodes))
    game = CompiledBoard(
        scenario,
        torn,
        *of_episode(episode),
        [workspace(scenario, 1, 1)],
        engine.start(scenario, episode),
    )
    reward, seen = buffers(scenario, 1)
    idle = np.zeros((*reward.shape, action_map(scenario).width))
    here = np.ones(reward.shape, dtype=np.bool_)
    if strict:
        with pytest.raises(
            InvariantError, match=r"stored energy.*prosumer_\d of community 0 at st"
        ):
            game.play(idle, here, reward, seen)
        return
    game.play(idle, here, reward, seen)
    broken = game.cause()[0] == SUPERVISOR_CAUSES.index("invariant")
    assert broken.tolist() == scenario.has_storage.tolist()
    assert np.all(game.state().hold_steps[0, broken] == scenario.hold_steps)


def test_a_board_goes_on_alike_after_pickling():
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, choose_key(scenario, 0))
    state = engine.start(scenario, episode)
    game = board(scenario, episode, state, strict=False)
    copy = pickle.loads(pickle.dumps(game))
    reward, seen = buffers(scenario, 1)
    actions, present = wild(np.random.default_rng(0), (*reward.shape, action_map(scenario).width))
    for one in (game, copy):
        one.play(actions, present, reward, seen)
    assert bits(game.outcome()) == bits(copy.outcome())
    assert (
        not copy.tables.rules.nodes.retention.flags.writeable
    )  # else it would be compiled once more


@pytest.mark.compiled
def test_one_compiled_form_serves_every_caller():
    """Also one that was sent its scenario, and one whose list of who spoke is read-only."""
    own = load_scenario("classic-v0")
    known = []
    for scenario in (own, pickle.loads(pickle.dumps(own))):
        episode = draw(scenario, choose_key(scenario, 0))
        for sent in (episode, pickle.loads(pickle.dumps(episode))):
            game = board(scenario, sent, engine.start(scenario, sent), strict=False)
            reward, seen = buffers(scenario, 1)
            actions, present = wild(np.random.default_rng(0), (*reward.shape, 3))
            for spoke in (present, fixed(present)):
                game.play(actions, spoke, reward, seen)
                known.append(len(play.signatures))
    assert len(set(known)) == 1
