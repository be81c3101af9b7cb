"""The example of docs/train-with-rllib.md, run by test_trained.py."""

from pathlib import Path

from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.tune.registry import register_env

from baselines.learners.interop.pettingzoo_env import ViewEnv

ITERATIONS = 20

register_env("batteries", lambda _: ParallelPettingZooEnv(ViewEnv("classic-v0")))
config = PPOConfig().environment("batteries")
config.multi_agent(policies={"shared"}, policy_mapping_fn=lambda *_, **__: "shared")
config.env_runners(num_env_runners=0, rollout_fragment_length=168)
config.training(train_batch_size_per_learner=1344, minibatch_size=336, num_epochs=4, lr=1e-3)
config.debugging(seed=0)
algorithm = config.build_algo()
for _ in range(ITERATIONS):
    algorithm.train()
algorithm.save_to_path(Path("checkpoint").resolve())
algorithm.stop()
