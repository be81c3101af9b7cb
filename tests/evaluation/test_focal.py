"""The focal role: private savings of one seat, paired over entries, never a score."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.community.episode.episode import draw, stack
from p2p_market.community.observation import features
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import PolicyError, ScenarioError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.focal import focal as rooms
from p2p_market.evaluation.focal.focal import FocalRow, background, deviations, entries, focal
from p2p_market.evaluation.focal.summary import (
    best_response,
    focal_record,
    summarise,
    weekly_mean,
)
from p2p_market.evaluation.players.mixture import Blinkered
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.players.population import (
    Bot,
    Population,
    bot_seed,
    load_population,
    stranger,
)
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import POPULATION, load_scenario
from p2p_market.track import policy_seed
from p2p_market.tracks import track_of

pytestmark = pytest.mark.xdist_group("focal")  # two runs for all of them

SCENARIO = build(load_scenario("classic-v0").spec.model_copy(update={"days": 1}))
AGENTS = len(SCENARIO.agents)
(ROLE,) = (role.name for role in track_of(SCENARIO).roles(SCENARIO))
WEEKS = (3, 8)
SINGLES = draw_weeks(SCENARIO, "train", WEEKS, 0)
HONEST = Population("honest", {"truthful": Bot("truthful", "truthful")})


def played(*policies, **options):
    return focal(SCENARIO, policies, "train", WEEKS, **options)


@pytest.fixture(scope="module")
def result():
    return played("storage-value")


@pytest.fixture(scope="module")
def among_honest():
    return played("zip", population=f"{__name__}:HONEST")


def test_entries_come_first_and_every_deviation_is_played_once(result):
    assert entries(SCENARIO, ["zip", "mine:make", "zip"])[:2] == ["zip", "mine:make"]
    assert [row.policy for row in result.rows] == entries(SCENARIO, ["storage-value"])
    assert set(deviations(SCENARIO)) <= {row.policy for row in result.rows}
    assert "optimum" not in deviations(SCENARIO)
    assert {row.cost_eur.shape for row in result.rows} == {(len(WEEKS), AGENTS)}


def test_truth_among_the_truthful_is_self_play(among_honest):
    costs = play(SCENARIO, stack(SINGLES), "truthful").private_cost_eur
    row = among_honest.row("truthful")
    assert row.cost_eur.tolist() == costs.tolist()
    wanted = costs.sum(axis=1, keepdims=True) - costs
    assert row.others_eur == pytest.approx(wanted, abs=1e-9)
    assert not among_honest.others_gain_eur("truthful").any()


def test_one_seat_by_hand(among_honest):
    """Two rollouts of one community whose seat 2 alone plays `zip`."""
    (single,) = draw_weeks(SCENARIO, "train", [WEEKS[1]], 0)
    zip_, truthful = (load_policy(name, SCENARIO) for name in ("zip", "truthful"))

    class OneSeat:
        def start(self, seeds):
            return zip_.start(seeds)

        def act(self, observation, memory):
            action, _ = truthful.act(observation, None)
            own, memory = zip_.act(observation, memory)
            action[:, 2] = own[:, 2]
            return action, memory

    costs = rollout(SCENARIO, single, OneSeat()).private_cost_eur[0]
    alone = play(SCENARIO, single, "no-trade").private_cost_eur[0]
    honest = play(SCENARIO, single, "truthful").private_cost_eur[0]
    assert among_honest.saving_eur("zip")[1, 2] == alone[2] - costs[2] != 0.0
    others = np.delete(honest - costs, 2).sum()
    assert among_honest.others_gain_eur("zip")[1, 2] == pytest.approx(others, abs=1e-9)


def test_without_trade_nothing_is_saved(result):
    """Exactly, where no charge of the line can tell who flows with it."""
    episode = stack(SINGLES)
    for name in ("no-trade", "truthful"):
        overload = play(SCENARIO, episode, name).entries_eur[..., LEDGER_COLUMN["overload"]]
        assert not overload.any()
    assert not result.saving_eur("no-trade").any()
    assert result.saving_eur("truthful").any()


def test_money_of_the_seat_and_of_the_others_is_that_of_the_community():
    crowd = load_population(POPULATION)
    (episode,) = draw_weeks(SCENARIO, "train", [WEEKS[0]], 0)
    seats = range(AGENTS)
    mixtures = background(SCENARIO, episode.keys[0], crowd, "zip", seats)
    (other,) = draw_weeks(SCENARIO, "train", [WEEKS[0]], stranger(episode.keys[0]).seed)
    whole = rollout(SCENARIO, stack([episode] * AGENTS + [other]), mixtures)
    costs = rooms.play_seats(SCENARIO, episode, crowd, "zip", seats)
    assert costs.sum(axis=1) == pytest.approx(whole.social_cost_eur[:-1], abs=1e-9)
    row = played("zip").row("zip")
    assert (row.cost_eur + row.others_eur)[0] == pytest.approx(costs.sum(axis=1), abs=1e-9)


def test_the_same_call_gives_the_same_numbers(result):
    again = focal_record(played("storage-value"))
    assert json.dumps(again) == json.dumps(focal_record(result))
    other = focal_record(played("storage-value", seed=1))
    assert other["bots"] != again["bots"]


def test_chunks_change_no_number(result, monkeypatch):
    monkeypatch.setattr(rooms, "SEATS_AT_ONCE", 4)
    assert focal_record(played("storage-value")) == focal_record(result)


def test_workers_change_no_number(result):
    assert focal_record(played("storage-value", workers=2)) == focal_record(result)


def test_every_entry_meets_the_same_background(result):
    crowd, key = load_population(POPULATION), SINGLES[0].keys[0]
    mixtures = [
        background(SCENARIO, key, crowd, name, range(AGENTS))[ROLE] for name in deviations(SCENARIO)
    ]
    assert len({mixture.names[1:] for mixture in mixtures}) == 1
    assert len({mixture.member_of.tobytes() for mixture in mixtures}) == 1
    names = np.array(mixtures[0].names)[mixtures[0].member_of]
    for seat in range(AGENTS):
        wanted = [f"{crowd.name}: {bot}" for bot in result.bots[0]]
        wanted[seat] = deviations(SCENARIO)[0]
        assert names[seat].tolist() == wanted


def test_an_entry_sees_its_own_row_and_no_seed_of_the_bots():
    crowd, key = load_population(POPULATION), SINGLES[0].keys[0]
    mixture = background(SCENARIO, key, crowd, "random", range(AGENTS))[ROLE]
    entry, *bots = mixture.members
    assert isinstance(entry, Blinkered)
    assert entry.own[:-1].tolist() == np.eye(AGENTS, dtype=bool).tolist()
    assert entry.own[-1].all()
    given = [5] * (AGENTS + 1)
    assert entry.start(given)[0] == tuple(given)
    assert {bot.seeds for bot in bots} == {(bot_seed(key),) * (AGENTS + 1)}
    assert bot_seed(key) not in (key.seed, policy_seed(key))


SEEN = []


def spy(scenario):
    """The truthful rule, which tells what it saw."""
    policy = load_policy("truthful", scenario)

    class Spy:
        def start(self, seeds):
            return policy.start(seeds)

        def act(self, observation, memory):
            SEEN.append(observation.copy())
            return policy.act(observation, memory)

    return Spy()


def test_rows_of_neighbours_are_those_of_strangers_on_the_same_days():
    (episode,) = draw_weeks(SCENARIO, "train", [WEEKS[0]], 0)
    SEEN.clear()
    rooms.play_seats(SCENARIO, episode, HONEST, f"{__name__}:spy", [1, 4])
    names = [feature.name for feature in features(SCENARIO)]
    load, hour = names.index("load"), names.index("sin_day")
    others = draw(SCENARIO, stranger(episode.keys[0]))
    for step, seen in enumerate(SEEN):
        wanted = np.tile(others.load_kw[step, 0], (3, 1))
        wanted[[0, 1], [1, 4]] = episode.load_kw[step, 0, [1, 4]]
        assert seen[..., load].tolist() == wanted.astype(np.float32).tolist()
        assert np.ptp(seen[..., hour]) == 0.0
    assert len(SEEN) == SCENARIO.steps
    assert np.all(others.load_kw.sum(axis=0) != episode.load_kw.sum(axis=0))


def test_a_best_response_saves_no_less_than_anything_played(result):
    best = best_response(result)
    means = np.stack([result.saving_eur(row.policy).mean(axis=0) for row in result.rows])
    assert best.saving_eur.mean(axis=0) == pytest.approx(means.max(axis=0), abs=1e-12)
    assert all(best.mean_eur >= one.saving_eur.point - 1e-12 for one in summarise(result))
    for seat, name in enumerate(best.policy):
        assert best.saving_eur[:, seat].tolist() == result.saving_eur(name)[:, seat].tolist()


def test_a_seat_has_its_own_best_response(result):
    """Two policies, each the better on half of the seats: together better than either."""
    half = np.arange(AGENTS) < AGENTS // 2
    alone = np.full((len(WEEKS), AGENTS), 10.0)
    others = np.zeros_like(alone)
    rows = (
        FocalRow("truthful", np.where(half, alone - 4.0, alone), others + 1.0),
        FocalRow("b", np.where(half, alone, alone - 2.0), others + 3.0),
    )
    made = replace(result, alone_eur=alone, rows=rows)
    assert best_response(made).policy == tuple(np.where(half, "truthful", "b").tolist())
    assert best_response(made).mean_eur == 3.0
    first, second = summarise(made)
    assert (first.saving_eur.point, second.saving_eur.point) == (2.0, 1.0)
    assert (first.short_eur.point, second.short_eur.point) == (1.0, 2.0)
    assert (first.others_gain_eur.point, second.others_gain_eur.point) == (0.0, -2.0)


def test_intervals_are_paired_over_weeks():
    values = np.random.default_rng(0).normal(3.0, 2.0, 13)
    found = weekly_mean(values)
    assert found.point == pytest.approx(values.mean())
    assert found.low < found.point < found.high
    shifted = weekly_mean(values + 1.0)
    assert (shifted.low, shifted.high) == pytest.approx((found.low + 1.0, found.high + 1.0))
    single = weekly_mean(values[:1])
    assert single.point == values[0]
    assert math.isnan(single.low)
    assert math.isnan(single.high)


def test_who_knows_the_episode_does_not_play():
    pytest.importorskip("cvxpy")
    for name in ("optimum", "mpc-foresight"):
        with pytest.raises(PolicyError, match="knows the episode"):
            played(name)


def test_mistakes_are_named():
    with pytest.raises(PolicyError, match="no policy 'nobody'"):
        played("nobody")
    with pytest.raises(ScenarioError, match="no week 13"):
        focal(SCENARIO, ["zip"], "train", [13])


def test_the_command_prints_a_table_and_leaves_a_record(tmp_path):
    yaml = pytest.importorskip("yaml")
    path = tmp_path / "one-day-v0.yaml"
    spec = SCENARIO.spec.model_copy(update={"id": "one-day-v0"})
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")), encoding="utf-8")
    asked = ["focal", "-s", str(path), "-p", "zip", "--split", "train", "-w", "1"]
    done = CliRunner().invoke(app, [*asked, "--weeks", "3", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "best response, at least" in done.output
    (left,) = (tmp_path / "out").iterdir()
    record = json.loads(left.read_text())
    assert record["role"] == "focal"
    assert record["population"] == load_population(POPULATION).name
    own = record["policies"][0]
    assert own["policy"] == "zip"
    assert own["mean_eur"]["saving_eur"]["low"] is None  # one week
    assert own["mean_eur"]["saving_eur"]["point"] == pytest.approx(np.mean(own["saving_eur"]))
    assert "score" not in json.dumps(record)
    assert set(np.ravel(record["bots"])) <= set(record["behaviours"])
    refused = CliRunner().invoke(app, [*asked, "-p", "nobody", "-o", str(tmp_path / "out")])
    assert refused.exit_code == 2
    assert len(list((tmp_path / "out").iterdir())) == 1
