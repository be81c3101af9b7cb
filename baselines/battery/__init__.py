"""Baselines of the track `battery` that need an extra."""
