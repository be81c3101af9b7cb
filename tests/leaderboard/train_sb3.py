"""The example of docs/submit-what-you-trained.md, run by test_trained.py."""

import supersuit
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

import p2p_market

STEPS = 300_000  # of agents
torch.set_num_threads(1)  # the networks are small: more threads only wait for each other

rows = supersuit.pettingzoo_env_to_vec_env_v1(p2p_market.make("classic-v0"))
vector = supersuit.concat_vec_envs_v1(rows, 4, base_class="stable_baselines3")
vector.venv.reset(seed=0)
vector = VecNormalize(vector, clip_obs=5.0, gamma=0.99)
model = PPO("MlpPolicy", vector, n_steps=168, batch_size=504, n_epochs=5, device="cpu")
model.learn(STEPS)
model.save("model.zip")
vector.save("normal.pkl")
