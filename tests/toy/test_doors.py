"""A track of another package goes through every door that knows no track by name."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.errors import ConformanceError, PolicyError, ScenarioError
from p2p_market.evaluation.benchmark import Yardstick, draw_weeks, evaluate
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.focal.focal import focal
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay
from p2p_market.registry import make, make_batch, read_scenario
from p2p_market.testing import check_environment, check_features_vary, check_policy
from p2p_market.testing.policy import check_answers
from p2p_market.tracks import TRACKS, track, track_of
from tests.toy.conftest import CAST, ORACLE, ROOT, SCENARIO, command

ROLES = ("storage", "plant")

# Found, made, conformant


def test_the_track_is_found_by_its_entry_point(scenario):
    assert "toy" not in TRACKS
    assert track_of(scenario).__name__ == "tests.toy.track"


def test_without_the_package_its_scenarios_are_refused(installed, monkeypatch):
    others = [place for place in sys.path if not [*Path(place).glob("toy_track-*.dist-info")]]
    monkeypatch.setattr(sys, "path", others)
    track.cache_clear()
    with pytest.raises(ScenarioError, match=r"^toy-v0.yaml: line 1: track: unknown track 'toy'"):
        read_scenario(SCENARIO)


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("track", "tests.toy.track", "line 1: track: unknown track 'tests.toy.track'"),
        ("engine", "tests.toy.track:step", "line 10: engine .*: there is no such key"),
        ("storages", 0, "line 4: storages 0: must be greater"),
    ],
)
def test_no_scenario_file_names_code(tmp_path, key, value, complaint):
    values = yaml.safe_load(SCENARIO.read_text()) | {key: value}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    with pytest.raises(ScenarioError, match=f"^mine.yaml: {complaint}"):
        read_scenario(tmp_path / "mine.yaml")


def test_an_environment_tells_which_choices_are_allowed():
    env = make(str(SCENARIO))
    _, infos = env.reset(seed=0)
    env.action_space("plant_0").seed(0)
    causes = set()
    while env.agents:
        mask = infos["plant_0"]["action_mask"]
        masked = {agent: env.action_space(agent).sample() for agent in env.agents[:-1]}
        masked["plant_0"] = env.action_space("plant_0").sample(mask=mask)
        *_, infos = env.step(masked)
        causes |= {info["supervisor"] for info in infos.values()}
    assert causes == {"none"}


def test_a_masked_choice_is_held():
    env = make(str(SCENARIO))
    env.reset(seed=0)
    *_, infos = env.step({"plant_0": np.int64(2)})
    assert infos["plant_0"]["supervisor"] == "ramp"
    assert infos["plant_0"]["action_mask"].tolist() == [1, 1, 1]


def test_the_environment_conforms():
    new = partial(make, str(SCENARIO))
    check_environment(new)
    check_features_vary([new])
    with pytest.raises(
        ConformanceError, match="always the same: price, level, reserve, to_gate, choice;"
    ):
        check_features_vary([new], steps=0)


@pytest.mark.parametrize("name", ["idle", "thrifty", "random"])
@pytest.mark.parametrize("role", ROLES)
def test_policies_of_each_role_conform(scenario, role, name):
    check_policy(load_policy(name, scenario, role), scenario, role=role)


TYPED = """
from p2p_market.track import Track
from tests.toy import players, track

kept: Track[track.Scenario, track.Episode, track.State] = track
broken: Track[track.Scenario, track.Episode, track.State] = players  # type: ignore[assignment]
"""


def test_the_module_is_typed_as_a_track():
    pytest.importorskip("mypy")
    check = [sys.executable, "-m", "mypy", "--warn-unused-ignores", "-c", TYPED]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


# Both ends, and what is between


def test_policies_stand_between_the_ends(scenario):
    result = evaluate(scenario, ["thrifty", "random", CAST], weeks=[0])
    assert result.sound
    assert [row.policy for row in result.rows] == ["idle", "thrifty", "random", CAST, "optimum"]
    points = {row.policy: row.score.point for row in result.rows}
    assert points["idle"] == 0.0
    assert points["idle"] < points["random"] < points[CAST] < points["thrifty"] < 100.0
    assert points["optimum"] == pytest.approx(100.0)


def test_a_role_that_is_left_out_plays_its_rule(scenario):
    (single, *_) = draw_weeks(scenario, "test", [0], 0)
    alone, both = play(scenario, single, "storage=thrifty"), play(scenario, single, "thrifty")
    assert not alone.actions["plant"].any()
    assert both.actions["plant"].any()
    assert np.array_equal(alone.actions["storage"], both.actions["storage"])


def test_who_knows_the_prices_is_marked(scenario):
    result = evaluate(scenario, [f"{ORACLE},plant=tests.toy.oracle:plant", ORACLE], weeks=[0])
    _, both, half, _ = result.rows
    assert both.score.point == pytest.approx(100.0)
    assert 0.0 < half.score.point < 90.0
    assert {both.conduct.sight, half.conduct.sight} == {"foresight"}


@pytest.mark.parametrize("name", ["tests.toy.players:thrifty_storage", "nobody=idle"])
def test_one_policy_for_several_roles_is_refused(scenario, name):
    (single, *_) = draw_weeks(scenario, "test", [0], 0)
    with pytest.raises(PolicyError, match=r"storage=\.\.\., plant="):
        play(scenario, single, name)


def test_each_role_is_asked_for_at_the_command_line(tmp_path):
    asked = ["-p", "storage=thrifty", "-p", "plant=random", "-o", tmp_path, "--workers", 1]
    said = command("evaluate", "-s", SCENARIO, "--weeks", 0, *asked)
    assert CAST in said
    assert "dispatch" not in said  # a word of another track


def test_what_nobody_pays_is_part_of_the_cost(scenario):
    (single, *_) = draw_weeks(scenario, "test", [0], 0)
    played = play(scenario, single, "thrifty")
    damage = scenario.spec.damage_eur_per_kwh * played.series["output_kwh"].sum()
    assert damage > 1.0
    paid = played.private_cost_eur.sum()
    assert played.social_cost_eur[0] == pytest.approx(paid + damage)


def test_prices_prove_the_optimum(scenario):
    for single in draw_weeks(scenario, "test", [0], 0):
        plan = Yardstick(scenario).plan(single)
        certificate, played = certify(scenario, single, plan)
        assert certificate.holds, certificate
        assert set(np.unique(played.actions["plant"])) == {0.0, 1.0, 2.0}
        dearer = replace(plan, objective_eur=plan.objective_eur + 0.01)
        assert not certify(scenario, single, dearer)[0].holds
        other = {name: 0.9 * prices for name, prices in plan.prices.items()}
        assert track_of(scenario).bound_eur(scenario, single, other) < certificate.bound_eur - 0.01
        assert not certify(scenario, single, replace(plan, prices=other))[0].holds


def test_the_focal_role_says_that_it_needs_bots(scenario):
    with pytest.raises(PolicyError, match="toy-v0: track 'toy' has no population of bots"):
        focal(scenario, ["thrifty"])


# Records


def test_a_run_is_recorded_and_replays(run):
    record = read_run(run)
    (entry,) = record["scenarios"]
    assert entry["units"] == [1, 1, 1, 3, 3, 3]
    assert record["versions"]["toy-track"] == "0"
    assert replay(run, record) == []
    assert "replays to the same digits" in command("replay", run)


@pytest.mark.parametrize("role", ROLES)
def test_other_actions_do_not_replay(run, tmp_path, role):
    for path in run.rglob("*.*"):
        target = tmp_path / path.relative_to(run)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    record = read_run(tmp_path)
    (path,) = (tmp_path / "actions").glob("*thrifty.npz")
    with np.load(path) as archive:
        actions = {name: archive[name] for name in archive.files}
    actions[role][0, 0, 0, 0] = 1.0 - actions[role][0, 0, 0, 0]
    np.savez(path, **actions)
    found = replay(tmp_path, record)
    assert "toy-v0: thrifty: digests differ in episodes [0], counted from 0" in found


def test_columns_that_do_not_count_are_recorded_at_rest(run):
    (path,) = (run / "actions").glob("*thrifty.npz")
    with np.load(path) as archive:
        reserve = archive["storage"][..., 1]
    at_gate = np.arange(len(reserve)) % 4 == 0
    assert np.all(reserve[at_gate] == 0.0)
    assert np.all(reserve[~at_gate] == -1.0)


def test_other_units_are_told(run):
    record = read_run(run)
    record["scenarios"][0]["units"] = [1, 1, 3, 3, 3, 3]
    assert replay(run, record) == ["toy-v0: other units of episodes"]


def test_metrics_have_the_names_of_the_card(run):
    rows = json.loads((run / "metrics.json").read_text())
    assert len(rows) == 5 * 6
    assert all(row["produced_kwh"] == 0.0 for row in rows if row["policy"] == "idle")
    assert any(row["produced_kwh"] > 100.0 for row in rows if row["policy"] == "thrifty")


def test_a_run_is_cited(run):
    assert "on toy-v0" in command("cite", run)
    assert yaml.safe_load(command("cite", run, "--cff"))["keywords"] == ["toy-v0"]


def test_a_track_without_batches_says_so():
    with pytest.raises(ScenarioError, match="track 'toy' has no batches"):
        make_batch(str(SCENARIO), 2)


def test_learners_say_what_they_need():
    done = CliRunner().invoke(app, ["train", "ppo", "-s", str(SCENARIO)])
    assert done.exit_code == 2
    assert "track 'toy' has no batches, in which learners play" in done.output


def test_no_part_of_a_choice_conforms(scenario):
    @dataclass(frozen=True)
    class Half:
        def start(self, seeds):
            return None

        def act(self, observation, memory):
            return np.full((*observation.shape[:2], 1), 0.5), None

    with pytest.raises(ConformanceError, match=r"its choice is .* whole numbers from 0 to 2"):
        check_answers(Half(), scenario, role="plant")


def test_a_run_has_a_report(run):
    assert (run / "report.html").is_file()
