"""An example of docs/submit-what-you-trained.md, run by test_trained.py."""

from torch import nn

from baselines.learners.export import export

policy = nn.Sequential(nn.Linear(43, 64), nn.Tanh(), nn.Linear(64, 3))  # and you train it
export(policy, "classic-v0", "policy.onnx")
