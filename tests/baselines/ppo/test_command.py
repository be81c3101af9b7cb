"""The command `p2p-market train`: mistakes in one line."""

import importlib

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app


def refused(*arguments):
    done = CliRunner().invoke(app, ["train", *arguments])
    assert done.exit_code == 2
    return " ".join(done.output.split())


def test_mistakes_are_named(tmp_path):
    assert "no trainer 'sarsa'; known: ppo" in refused("sarsa")
    assert "learns a role of a power system, such as wholesale-12-v0" in refused("dqn")
    assert "is not KEY=VALUE" in refused("ppo", "--set", "epochs")


def test_settings_reach_the_trainer(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("onnx")
    folder = str(tmp_path)
    assert "epoch '3': no such key" in refused("ppo", "--set", "epoch=3", "-o", folder)
    assert "atlantis-v0" in refused("ppo", "-s", "atlantis-v0", "-o", folder)


def test_without_torch_the_extra_is_named(monkeypatch):
    def missing(module):
        raise ModuleNotFoundError("No module named 'torch'")

    monkeypatch.setattr(importlib, "import_module", missing)
    told = refused("ppo")
    assert "No module named 'torch'; it needs pip install -e '.[rl]'" in told
