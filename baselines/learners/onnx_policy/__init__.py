"""Plays a trained network from a file."""
