"""A network plays one of several roles; its file is told which."""

import numpy as np
import pytest

from p2p_market.errors import P2PMarketError, PolicyError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.players.player import play
from tests.toy.conftest import SCENARIO, command

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def files(scenario, tmp_path_factory):
    """A network for each role: the one charges at full power, the other chooses low."""
    from baselines.learners.export import export

    folder, found = tmp_path_factory.mktemp("networks"), {}
    for role, width, outputs in (("storage", 4, [9.0, -9.0]), ("plant", 2, [0.0, 1.0, 0.0])):
        network = torch.nn.Linear(width, len(outputs))
        torch.nn.init.zeros_(network.weight)
        with torch.no_grad():
            network.bias.copy_(torch.tensor(outputs))
        found[role] = export(network, scenario, folder / f"{role}.onnx", role=role)
    return found


def test_a_file_plays_the_role_that_it_is_given(scenario, files):
    (single, *_) = draw_weeks(scenario, "test", [0], 0)
    played = play(scenario, single, f"storage={files['storage']},plant={files['plant']}")
    assert np.all(played.actions["plant"] == 1.0)
    assert np.all(played.actions["storage"][..., 0] >= 1.0)
    alone = play(scenario, single, f"plant={files['plant']}")
    assert not alone.actions["storage"][..., 0].any()


def test_a_file_is_evaluated_at_the_command_line(files, tmp_path):
    asked = ["-s", SCENARIO, "--weeks", 0, "-p", f"plant={files['plant']}", "--workers", 1]
    assert "plant.onnx" in command("evaluate", *asked, "-o", tmp_path)


def test_a_file_of_another_role_is_refused(scenario, files):
    (single, *_) = draw_weeks(scenario, "test", [0], 0)
    with pytest.raises(P2PMarketError, match=r"no 'level'|other (actions|observations)"):
        play(scenario, single, f"plant={files['storage']}")


@pytest.mark.parametrize(
    ("role", "said"),
    [(None, "has the roles storage, plant; one network"), ("wind", "no role 'wind'; its roles")],
)
def test_a_network_is_for_one_role(scenario, tmp_path, role, said):
    from baselines.learners.export import export

    with pytest.raises(PolicyError, match=said):
        export(torch.nn.Linear(4, 2), scenario, tmp_path / "x.onnx", role=role)
