"""Streams of random numbers, one per member: what one draws, or leaves undrawn, moves no other."""

import numpy as np


def stream(seed: np.random.SeedSequence, number: int) -> np.random.Generator:
    """Generator of the child that `seed.spawn` would give at this place, without the others."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))
    return np.random.Generator(np.random.PCG64(child))
