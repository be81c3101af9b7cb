"""Baselines of the track `community` that need a solver or learned tables."""
