"""Stable-Baselines3 on batches of batteries."""
