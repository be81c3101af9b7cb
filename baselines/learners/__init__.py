"""Trainers and networks."""
