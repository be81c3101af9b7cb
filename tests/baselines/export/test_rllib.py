"""Modules of RLlib's new API stack play from a file what they play without exploring."""

import pickle

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")
pytest.importorskip("ray.rllib", exc_type=ImportError)

import torch
from ray.rllib.algorithms.dqn.torch.default_dqn_torch_rl_module import DefaultDQNTorchRLModule
from ray.rllib.algorithms.ppo.torch.default_ppo_torch_rl_module import DefaultPPOTorchRLModule
from ray.rllib.algorithms.sac.torch.default_sac_torch_rl_module import DefaultSACTorchRLModule
from ray.rllib.connectors.common.frame_stacking import FrameStacking
from ray.rllib.connectors.env_to_module import MeanStdFilter
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.multi_rl_module import MultiRLModule, MultiRLModuleSpec
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from baselines.learners.export import export
from baselines.learners.export.rllib import BUILT, CONNECTORS
from p2p_market.battery import mask_of
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario
from tests.baselines.export.weeks import Spaces, agree

pytestmark = [
    pytest.mark.xdist_group("rllib"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
]

NAME, BATTERY = "classic-v0", "battery-146-v0"


def spec(name, kind=DefaultPPOTorchRLModule, spaces=None, **model):
    spaces = spaces or Spaces(name)
    return RLModuleSpec(
        kind,
        observation_space=spaces.observation_space,
        action_space=spaces.action_space,
        model_config={"fcnet_hiddens": [16, 16], "vf_share_layers": False, **model},
    )


def module(name, *more, **model):
    torch.manual_seed(0)
    return spec(name, *more, **model).build()


def mode(own, seen):
    """What RLlib's inference plays: the deterministic form of the distribution, then the clip."""
    with torch.no_grad():
        told = own.forward_inference({Columns.OBS: torch.from_numpy(np.ascontiguousarray(seen))})
    law = own.get_inference_action_dist_cls().from_logits(told[Columns.ACTION_DIST_INPUTS])
    return np.clip(law.to_deterministic().sample().numpy(), -1.0, 1.0)


@pytest.mark.parametrize("model", [{}, {"free_log_std": True}, {"fcnet_activation": "relu"}])
def test_the_file_plays_what_inference_plays(model, tmp_path):
    own = module(NAME, **model)
    path = export(own, NAME, tmp_path / "policy.onnx")
    assert agree(path, NAME, lambda seen: mode(own, seen)).std() > 0.1
    own.save_to_path(tmp_path / "module")
    again = export(tmp_path / "module", NAME, tmp_path / "again.onnx")
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("twin", [False, True])
def test_sac_plays_its_mean_as_rllib_plays_it(twin, tmp_path):
    """Not squashed but cut at the ends, also from a checkpoint of an algorithm."""
    own = module(NAME, DefaultSACTorchRLModule, twin_q=twin, head_fcnet_hiddens=[8])
    with torch.no_grad():
        for weights in own.pi.parameters():
            weights.mul_(3.0)  # so that squashed outputs would be others
    path = export(own, NAME, tmp_path / "policy.onnx")
    played = agree(path, NAME, lambda seen: mode(own, seen))
    assert played.std() > 0.1
    assert np.mean(np.abs(played) < 0.99) > 0.1
    own.save_to_path(tmp_path / "learner_group" / "learner" / "rl_module" / "shared")
    again = export(tmp_path, NAME, tmp_path / "again.onnx")
    assert again.read_bytes() == path.read_bytes()


def test_what_puts_out_actions_alone_is_named(tmp_path):
    own = module(
        BATTERY,
        DefaultDQNTorchRLModule,
        Spaces(BATTERY, decides=["energy"]),
        num_atoms=1,
        epsilon=0.1,
    )
    with pytest.raises(PolicyError, match="DefaultDQNTorchRLModule: puts out actions and not what"):
        export(own, BATTERY, tmp_path / "policy.onnx", decides=["energy"])


def test_choices_are_logits_and_the_referee_masks(tmp_path):
    own, scenario = module(BATTERY), load_scenario(BATTERY)
    path = export(own, BATTERY, tmp_path / "policy.onnx")

    def predict(seen):
        with torch.no_grad():
            told = own.forward_inference({Columns.OBS: torch.from_numpy(seen)})
        logits = told[Columns.ACTION_DIST_INPUTS].numpy()
        allowed = np.where(mask_of(scenario, seen[None])[0], logits, -np.inf)
        return np.stack([part.argmax(-1) for part in np.split(allowed, [5, 10], axis=1)], axis=1)

    agree(path, BATTERY, predict, numbers=False)


def test_of_several_modules_one_is_named(tmp_path):
    both = MultiRLModuleSpec(rl_module_specs={"one": spec(NAME), "two": spec(NAME)}).build()
    assert isinstance(both, MultiRLModule)
    both.save_to_path(tmp_path / "rl_module")
    for policy in (both, tmp_path):
        with pytest.raises(PolicyError, match="has the modules one, two; say which with module"):
            export(policy, NAME, tmp_path / "policy.onnx")
        path = export(policy, NAME, tmp_path / "policy.onnx", module="two")
        agree(path, NAME, lambda seen: mode(both["two"], seen))


@pytest.mark.parametrize("connector", [MeanStdFilter, FrameStacking])
def test_connectors_that_change_observations_are_named(connector, tmp_path):
    module(NAME).save_to_path(tmp_path / "learner_group" / "learner" / "rl_module" / "shared")
    told = {"class": None, "ctor_args_and_kwargs": ((), {"connectors": [(connector, (), {})]})}
    (tmp_path / CONNECTORS).mkdir(parents=True)
    (tmp_path / CONNECTORS / BUILT).write_bytes(pickle.dumps(told))
    with pytest.raises(PolicyError, match=f"go through {connector.__name__}, which is not export"):
        export(tmp_path, NAME, tmp_path / "policy.onnx")


def test_what_remembers_is_named(tmp_path):
    own = module(NAME, use_lstm=True, lstm_cell_size=4, max_seq_len=8)
    with pytest.raises(PolicyError, match="remembers is not exported"):
        export(own, NAME, tmp_path / "policy.onnx")
    with pytest.raises(PolicyError, match="no checkpoint of RLlib's new API stack"):
        export(tmp_path, NAME, tmp_path / "policy.onnx")
