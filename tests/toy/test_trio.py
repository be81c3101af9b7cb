"""Three roles of different widths and kinds through the doors."""

import json
from functools import partial

import numpy as np
import pytest
import yaml
from gymnasium.spaces import MultiDiscrete
from gymnasium.utils.env_checker import check_env
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay
from p2p_market.kit.seat import SeatEnv
from p2p_market.kit.vector import BatchVectorEnv
from p2p_market.registry import load_scenario, make, make_batch
from p2p_market.testing import check_environment, check_policy
from tests.toy import trio
from tests.toy.conftest import SCENARIO, command

CAST = "plant=thrifty,keeper=random"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    values = yaml.safe_load(SCENARIO.read_text()) | {"track": "trio", "id": "trio-v0"}
    found = tmp_path_factory.mktemp("trio") / "trio-v0.yaml"
    found.write_text(yaml.safe_dump(values))
    return found


@pytest.fixture(scope="module")
def three(path):
    return load_scenario(path)


def test_environments_and_policies_of_three_roles_conform(path, three):
    check_environment(partial(make, str(path)))
    for role in ("storage", "plant", "keeper"):
        check_policy(load_policy("random", three, role), three, role=role)


def test_three_roles_learn_together_alone_and_as_rows(path, three):
    batch = make_batch(str(path), 2)
    assert batch.action_spaces["keeper"] == MultiDiscrete([3, 4])
    _, masks = batch.reset(seed=0)
    assert {name: mask.shape for name, mask in masks.items()} == {
        "storage": (2, 2, 0),
        "plant": (2, 1, 3),
        "keeper": (2, 2, 7),
    }
    found = batch.step({"keeper": np.tile([2, 1], (2, 2, 1))})
    assert found.rewards["keeper"] == pytest.approx(-0.25)
    assert not found.rewards["plant"].any()
    rows = BatchVectorEnv(make_batch(str(path), 2, role="keeper", others={"plant": "random"}))
    rows.reset(seed=0)
    _, rewards, *_ = rows.step(np.tile([0, 3], (4, 1)))
    assert rewards == pytest.approx([-0.15] * 4)
    check_env(SeatEnv(three, "keeper_1", {"keeper": "random"}), skip_render_check=True)


def test_a_cast_of_three_roles_is_scored_and_replayed(path, tmp_path):
    said = command(
        "benchmark", "-s", path, "-p", CAST, "-p", "thrifty", "--weeks", 1, "--workers", 1,
        "-o", tmp_path,
    )  # fmt: skip
    assert "keeper" in said
    (folder,) = tmp_path.glob("*-trio-v0")
    record = read_run(folder)
    assert replay(folder, record) == []
    (actions,) = (folder / "actions").glob("*keeper*.npz")
    with np.load(actions) as archive:
        assert archive["keeper"].shape[2:] == (2, 2)
        assert archive["storage"].shape[2:] == (2, 2)
        assert archive["plant"].shape[2:] == (1, 1)


def test_the_certificate_holds_for_three_roles(three):
    result = evaluate(three, [CAST], weeks=[0])
    assert result.sound
    assert {one.shape[-1] for one in result.trajectories[CAST].actions.values()} == {1, 2}


def test_seats_of_three_roles_are_in_focus(path, tmp_path):
    command(
        "focal", "-s", path, "-p", "keeper=random", "--weeks", 0, "--workers", 1, "-o", tmp_path
    )
    (found,) = tmp_path.glob("*.json")
    record = json.loads(found.read_text())
    assert record["roles"]["keeper"] == [*trio.KEEPERS]
    assert record["policies"][0]["mean_eur"]["keeper"]["saving_eur"]["point"] < 0.0


def test_a_trainer_says_that_it_trains_one_role(path):
    pytest.importorskip("torch")
    done = CliRunner().invoke(app, ["train", "ppo", "-s", str(path)])
    assert done.exit_code == 2
    assert "has the roles storage, plant, keeper; one network plays one role" in " ".join(
        done.output.split()
    )
