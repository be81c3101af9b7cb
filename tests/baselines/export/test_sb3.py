"""Policies of Stable-Baselines3 and sb3-contrib play from a file what their `predict` plays."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

import stable_baselines3 as sb3
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

from baselines.learners.export import export
from baselines.learners.interop.view import View
from p2p_market.battery import mask_of
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario
from tests.baselines.export.weeks import Spaces, agree

NAME, BATTERY = "classic-v0", "battery-146-v0"
SPREAD = 0.05
"""Weights are drawn, so that outputs are anywhere; inputs are in physical units, up to some 100."""


def drawn(model):
    """The model with other weights."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in model.policy.parameters():
            weights.copy_(SPREAD * torch.randn(weights.shape, generator=generator))
    return model


def untrained(kind, env, policy="MlpPolicy", **more):
    return drawn(kind(policy, env, device="cpu", seed=0, **more))


@pytest.mark.parametrize(
    ("kind", "more"),
    [("PPO", {}), ("A2C", {}), ("SAC", {}), ("TD3", {}), ("DDPG", {}), ("PPO", {"use_sde": True}),
     ("PPO", {"use_sde": True, "policy_kwargs": {"squash_output": True}}),
     ("SAC", {"use_sde": True}), ("TQC", {}), ("TQC", {"use_sde": True})],
)  # fmt: skip
def test_the_file_plays_what_predict_plays(kind, more, tmp_path):
    library = sb3 if hasattr(sb3, kind) else pytest.importorskip("sb3_contrib")
    model = untrained(getattr(library, kind), Spaces(NAME), **more)
    path = export(model, NAME, tmp_path / "policy.onnx")
    played = agree(path, NAME, lambda seen: model.predict(seen, deterministic=True)[0])
    assert played.std() > 0.05
    model.save(tmp_path / "model.zip")
    again = export(tmp_path / "model.zip", NAME, tmp_path / "again.onnx")
    assert again.read_bytes() == path.read_bytes()


@pytest.fixture(scope="module")
def normalized():
    """A model behind statistics that were met in play, by SuperSuit's vector of all agents."""
    supersuit = pytest.importorskip("supersuit")
    import p2p_market

    rows = supersuit.pettingzoo_env_to_vec_env_v1(p2p_market.make(NAME))
    vector = supersuit.concat_vec_envs_v1(rows, 1, base_class="stable_baselines3")
    vector.venv.reset(seed=0)
    vector = VecNormalize(vector, clip_obs=3.0)
    model = sb3.PPO("MlpPolicy", vector, n_steps=64, batch_size=64, n_epochs=1, device="cpu")
    return model.learn(300), vector


@pytest.mark.filterwarnings("ignore:The `render_mode` attribute")
def test_statistics_of_a_normalisation_are_in_the_file(normalized, tmp_path):
    model, vector = normalized

    def predict(seen):
        return model.predict(vector.normalize_obs(seen), deterministic=True)[0]

    path = export(model, NAME, tmp_path / "policy.onnx")
    assert agree(path, NAME, predict).std() > 0.001
    model.save(tmp_path / "model.zip")
    with pytest.raises(PolicyError, match=r"behind VecNormalize, .* normalize"):
        export(tmp_path / "model.zip", NAME, tmp_path / "other.onnx")
    vector.save(str(tmp_path / "normal.pkl"))
    more = {"normalize": tmp_path / "normal.pkl"}
    again = export(tmp_path / "model.zip", NAME, tmp_path / "again.onnx", **more)
    assert again.read_bytes() == path.read_bytes()


def test_an_agent_indicator_is_in_the_columns(tmp_path):
    model = untrained(sb3.PPO, Spaces(NAME, more=6))
    with pytest.raises(PolicyError, match=r"takes 49 numbers, .* observes 43: .*agent_indicator"):
        export(model, NAME, tmp_path / "policy.onnx")
    path = export(model, NAME, tmp_path / "policy.onnx", agent_indicator=True)

    def predict(seen):
        shown = np.concatenate([seen, np.eye(6, dtype=np.float32)], axis=1)
        return model.predict(shown, deterministic=True)[0]

    agree(path, NAME, predict)


def test_what_cannot_be_exported_is_named(tmp_path):
    path = tmp_path / "policy.onnx"
    stacked = VecFrameStack(DummyVecEnv([lambda: Spaces(NAME)]), 3)
    with pytest.raises(PolicyError, match="behind VecFrameStack, which is not exported"):
        export(sb3.PPO("MlpPolicy", stacked, device="cpu"), NAME, path)
    with pytest.raises(PolicyError, match=r"129 numbers, .* a frame stack of 3 is not exported"):
        export(sb3.PPO("MlpPolicy", Spaces(NAME, more=86), device="cpu").policy, NAME, path)
    with pytest.raises(PolicyError, match=r"58 numbers, and an agent of classic-v0 observes 43"):
        export(sb3.PPO("MlpPolicy", Spaces(BATTERY), device="cpu"), NAME, path)
    wide = Spaces(NAME)
    wide.action_space = type(wide.action_space)(-2.0, 2.0, (3,), np.float32)
    with pytest.raises(PolicyError, match=r"acts in Box\(-2.0.* takes Box\(-1, 1, \(3,\)\)"):
        export(sb3.PPO("MlpPolicy", wide, device="cpu"), NAME, path)
    with pytest.raises(PolicyError, match=r"nothing\.zip: is not there"):
        export(tmp_path / "nothing.zip", NAME, path)
    path.write_bytes(b"PK")
    with pytest.raises(PolicyError, match="is no model that Stable-Baselines3 saved"):
        export(path, NAME, tmp_path / "other.onnx")
    with pytest.raises(PolicyError, match=r"builtins\.list: is no policy of a known library"):
        export([], NAME, path)


def test_a_masked_policy_of_31_logits_plays_within_its_masks(tmp_path):
    contrib = pytest.importorskip("sb3_contrib")
    model = untrained(contrib.MaskablePPO, Spaces(BATTERY))
    path = export(model, BATTERY, tmp_path / "policy.onnx")
    scenario = load_scenario(BATTERY)

    def predict(seen):
        masks = mask_of(scenario, seen[None])[0]
        return model.predict(seen, action_masks=masks, deterministic=True)[0]

    played = agree(path, BATTERY, predict, numbers=False)
    assert len(np.unique(played, axis=0)) > 3


def test_a_policy_of_one_choice_decides_one_column(tmp_path):
    """DQN knows no masks: where its best choice is forbidden, the next that is allowed counts."""
    import torch

    model = untrained(sb3.DQN, Spaces(BATTERY, decides=["energy"]), buffer_size=1)
    with pytest.raises(PolicyError, match=r"acts in Discrete\(21\), .* say which with decides"):
        export(model, BATTERY, tmp_path / "policy.onnx")
    path = export(model, BATTERY, tmp_path / "policy.onnx", decides=["energy"])
    scenario, free = load_scenario(BATTERY), []

    def predict(seen):
        masks = mask_of(scenario, seen[None])[0, :, 10:]
        with torch.no_grad():
            values = model.q_net(torch.from_numpy(seen)).numpy()
        best, choice = np.where(masks, values, -np.inf).argmax(axis=1), model.predict(seen)[0]
        free.append(masks[0, choice[0]])
        assert not free[-1] or choice == best
        return np.stack([np.zeros_like(best), np.full_like(best, 2), best], axis=1)

    played = agree(path, BATTERY, predict, numbers=False)
    assert 0.1 < np.mean(free) < 1.0
    assert len(np.unique(played[..., 2])) > 2
    model.save(tmp_path / "model.zip")
    again = export(tmp_path / "model.zip", BATTERY, tmp_path / "again.onnx", decides=["energy"])
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("decides", "says"),
    [(["energy", "mood"], "decides mood; an action in battery-146-v0 has the columns offer, tier"),
     ([], "decides nothing; an action in battery-146-v0 has the columns offer, tier, energy")],
)  # fmt: skip
def test_columns_that_nobody_has_are_named(decides, says, tmp_path):
    with pytest.raises(PolicyError, match=says):
        export(None, BATTERY, tmp_path / "policy.onnx", decides=decides)
    with pytest.raises(PolicyError, match="rows of a view are no columns of an action"):
        export(None, View(load_scenario(NAME), "full"), tmp_path / "policy.onnx", decides=["price"])


@pytest.mark.parametrize("layers", [1, 2])
def test_a_recurrent_policy_remembers_alike(layers, tmp_path):
    contrib = pytest.importorskip("sb3_contrib")
    more = {"policy_kwargs": {"lstm_hidden_size": 8, "n_lstm_layers": layers}}
    model = untrained(contrib.RecurrentPPO, Spaces(NAME), "MlpLstmPolicy", **more)
    path, carried = export(model, NAME, tmp_path / "policy.onnx"), [None]

    def predict(seen):
        actions, carried[0] = model.predict(seen, state=carried[0], deterministic=True)
        return actions

    agree(path, NAME, predict)
