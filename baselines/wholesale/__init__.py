"""Baselines of the track `wholesale` that need a library."""
