"""What is done for every track in one place: columns at rest, files of a package, splits."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.commands.console import week_numbers
from p2p_market.environment import TrackEnv
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.ends import reference
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.players.conduct import Watched
from p2p_market.evaluation.players.judging import Play, _others
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.kit.episodes import keys_of
from p2p_market.registry import load_scenario, read_scenario
from p2p_market.scenarios import known_ids, scenario_ids
from p2p_market.testing import policy as testing
from p2p_market.tracks import counted
from tests.toy import track
from tests.toy.conftest import SCENARIO, command

FULL = {"storage_0": np.array([1.0, -1.0]), "storage_1": np.array([1.0, -1.0])}


def nothing_counts(scenario, episode, state):
    return {"storage": np.zeros((*state.level_kwh.shape, 2), dtype=np.bool_)}


def test_a_column_that_does_not_count_is_at_rest(scenario, monkeypatch):
    episode = track.draw(scenario, track.keys(scenario, "test", 0)[0][0])
    state = track.start(scenario, episode)
    sent = {"storage": np.ones((1, 2, 2), dtype=np.float32), "plant": np.ones((1, 1, 1))}
    later = replace(state, step=1)
    assert counted(scenario, episode, state, sent)["storage"].tolist() == [[[1.0, 1.0]] * 2]
    found = counted(scenario, episode, later, sent)
    assert found["storage"].tolist() == [[[1.0, -1.0]] * 2]
    assert found["storage"].dtype == np.float32
    assert found["plant"] is sent["plant"]


def test_an_environment_rests_where_nothing_counts(scenario, monkeypatch):
    env = TrackEnv(scenario)
    env.reset(seed=0)
    monkeypatch.setattr(track, "reads", nothing_counts)
    env.step(FULL)
    assert np.all(env._state.level_kwh == 4.0)
    monkeypatch.undo()
    env.step(FULL)
    assert np.all(env._state.level_kwh == 7.0)


def test_a_policy_is_checked_where_nothing_counts(scenario, monkeypatch):
    monkeypatch.setattr(track, "reads", nothing_counts)
    asked = testing.play(load_policy("thrifty", scenario, "storage"), scenario, 5)
    assert all(np.all(one.observation[..., 1] == 4.0) for one in asked)


@pytest.mark.parametrize("choice", [-1, 3, 7])
def test_what_is_no_choice_is_held_wherever_it_is_sent(scenario, choice):
    env = TrackEnv(scenario)
    env.reset(seed=0)
    *_, infos = env.step({"plant_0": choice})
    assert infos["plant_0"]["supervisor"] == "message"
    assert not env._state.choice.any()


def test_a_package_ships_scenarios(tmp_path):
    assert load_scenario("toy-v0").spec == load_scenario(SCENARIO).spec
    assert known_ids() == [*scenario_ids(), "toy-v0"]
    assert "toy-v0" in command("scenarios")
    with pytest.raises(ScenarioError, match=r"no scenario 'toy-v1'; did you mean toy-v0"):
        load_scenario("toy-v1")
    (tmp_path / "mine.yaml").write_text(SCENARIO.read_text())
    with pytest.raises(ScenarioError, match="the id toy-v0 is published; give your file another"):
        read_scenario(tmp_path / "mine.yaml")


def test_a_package_ships_optima(scenario, tmp_path, monkeypatch):
    pytest.importorskip("cryptography")
    from leaderboard.playing.reference import solve
    from leaderboard.season.draws import Draw

    assert reference.folder_of(scenario) == SCENARIO.parents[1] / "reference"
    assert reference.folder_of(load_scenario("classic-v0")) == reference.FOLDER
    single = track.draw(scenario, track.keys(scenario, "test", 0)[0][0])
    assert reference.published(scenario, single) is None
    monkeypatch.setattr(reference, "folder_of", lambda _: tmp_path)
    solved = solve(Draw(None, 0, scenario.spec.model_dump_json(), single.keys[0]))
    reference.write_table(scenario, [solved], {})
    found = reference.published(scenario, single)
    assert certify(scenario, single, found)[0].holds
    assert np.array_equal(found.schedule["level_kwh"], solved[1].schedule["level_kwh"])


def test_rows_of_others_are_not_of_the_same_episode(scenario, monkeypatch):
    """Where units are seeds, and all of them start on one day."""

    def seeds(scenario, split, seed):
        (unit,) = keys_of({split: [0]}, split, seed, 13)
        return tuple((key,) for key in unit)

    monkeypatch.setattr(track, "keys", seeds)
    for (key,) in track.keys(scenario, "test", 0):
        episode, watched = track.draw(scenario, key), Watched(load_policy("idle", scenario), 3)
        cast = {"storage": watched, "plant": load_policy("idle", scenario, "plant")}
        played = rollout(scenario, episode, cast, steps=3)
        play = Play(scenario, episode, "storage", watched, played.actions, played.digests, None)
        for own, other in zip(watched.out_seen, _others(play, 3), strict=True):
            assert np.all(own[..., 0] != other[..., 0])


def test_a_split_is_the_track_s(tmp_path, monkeypatch):
    days = {**track.DAYS, "winter": range(300, 340, 2)}
    monkeypatch.setattr(track, "keys", lambda _, split, seed: keys_of(days, split, seed, 3))
    asked = ["evaluate", "-s", SCENARIO, "-p", "thrifty", "--weeks", 19, "--workers", 1]
    assert "thrifty" in command(*asked, "--split", "winter", "-o", tmp_path)
    done = CliRunner().invoke(app, [*map(str, asked), "--split", "summer"])
    assert done.exit_code == 2
    assert "winter" in done.output
    assert week_numbers("9-110")[-1] == 110
