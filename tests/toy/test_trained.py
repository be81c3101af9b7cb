"""One role learns choices by `train ppo`, while the others play their rule."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.errors import PolicyError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import load_policy
from tests.toy import track
from tests.toy.conftest import SCENARIO, command

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("tensorboardX")

STEPS = 48  # of an episode
SMALL = {
    "communities": 8, "segment_h": 24.0, "epochs": 4, "minibatch": 96, "hidden": 16,
    "validate_every": 1, "reward_scale": 0.1, "agent_steps": 25 * 8 * STEPS,
}  # fmt: skip


@pytest.fixture
def batched(monkeypatch):
    """The toy with the batches of the kit."""
    extras = {**track.CARD.extras, "batch": "p2p_market.kit.joint:JointBatch"}
    monkeypatch.setattr(track, "CARD", replace(track.CARD, extras=extras))


def test_a_plant_learns_beside_storages_that_play_their_rule(batched, scenario, tmp_path):
    sets = [word for item in SMALL.items() for word in ("--set", "{}={}".format(*item))]
    asked = ["-s", SCENARIO, "--set", "role=plant", *sets, "-o", tmp_path / "plant"]
    said = " ".join(command("train", "ppo", *asked).split())
    file = tmp_path / "plant" / "policy.onnx"
    assert "evaluate -p plant=" in said
    assert "--set role=plant" in (tmp_path / "plant" / "training.toml").read_text()
    (single, *_) = draw_weeks(scenario, "test", [0], 0)
    played = play(scenario, single, f"plant={file}")
    assert not played.actions["storage"][..., 0].any()
    earned = -played.private_cost_eur[0, 2]
    best = -play(scenario, single, "plant=thrifty").private_cost_eur[0, 2]
    assert earned > 0.8 * best  # it sells at any price: the damage is not its own


def test_weeks_are_judged_by_what_the_role_pays(scenario):
    from baselines.learners.ppo.masked import Weeks

    _, plant = track.roles(scenario)
    weeks = Weeks(scenario, plant)
    saved = weeks.saving_eur(load_policy("thrifty", scenario, "plant"))
    expected = -play(scenario, weeks.episode, "thrifty").private_cost_eur[:, 2].mean()
    assert saved == pytest.approx(expected)
    assert weeks.told().startswith("thrifty ")
    assert weeks.rule_eur == 0.0


def test_a_baseline_of_the_role_is_imitated(batched, scenario):
    from baselines.learners.ppo.args import FAST, Args
    from baselines.learners.ppo.train import Training

    more = {"imitate": "thrifty", "imitate_weeks": 8, "imitate_epochs": 20, "role": "plant"}
    training = Training(Args(**{**FAST, **SMALL, **more, "scenario": str(SCENARIO)}))
    training.begin()
    weeks = training.validation()
    taught, expert = training.policy(), load_policy("thrifty", scenario, "plant")
    assert weeks.saving_eur(taught) > 0.8 * weeks.saving_eur(expert)
    assert training.agent_steps == training.episode * 8 * STEPS


@pytest.mark.parametrize(
    ("role", "said"),
    [
        (None, "has the roles storage, plant; one network plays one role, so say which"),
        ("wind", "has no role 'wind'; its roles are storage, plant"),
        ("storage", "columns of role 'storage' are numbers, which 'ppo' learns in communities"),
    ],
)
def test_what_cannot_learn_is_told(batched, role, said):
    more = [] if role is None else ["--set", f"role={role}"]
    done = CliRunner().invoke(app, ["train", "ppo", "-s", str(SCENARIO), *more])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_of_one_role_nothing_is_said():
    from baselines.learners.ppo.args import Args

    assert "role" not in Args().as_mapping()
    assert Args(role="plant").as_mapping()["role"] == "plant"
    with pytest.raises(PolicyError, match="no such key"):
        Args(roles="plant")
