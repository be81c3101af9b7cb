"""Environments over the compiled step: one fleet, or many at once."""
