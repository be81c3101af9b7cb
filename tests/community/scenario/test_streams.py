"""Compiled streams give the numbers of NumPy's generators, bit for bit."""

import numpy as np
import pytest

from p2p_market.data.streams import below, fill_normal, opened, seeded, share, words

ROOTS = [
    ([5, 149], (0,)),
    ([2**62 + 12345, 77], (1, 1)),
    ([0, 0], ()),
    ([2**70 + 3, 2**33, 9], (0,)),
]


def both(entropy, path, child):
    """The compiled stream and NumPy's."""
    key = path if child < 0 else (*path, child)
    sequence = np.random.SeedSequence(entropy, spawn_key=key)
    return opened(words(entropy, *path), child), np.random.Generator(np.random.PCG64(sequence))


@pytest.mark.parametrize("child", [-1, 0, 9, 2**31])
@pytest.mark.parametrize(("entropy", "path"), ROOTS)
def test_streams_are_those_of_numpy(entropy, path, child):
    ours, theirs = both(entropy, path, child)
    normal, counts = np.empty(20_000), np.random.default_rng(1).integers(1, 60, 500)
    fill_normal(ours, normal)
    assert normal.tobytes() == theirs.standard_normal(len(normal)).tobytes()
    assert [below(ours, int(count)) for count in counts] == theirs.integers(counts).tolist()
    assert below(ours, 5) - 2 == theirs.integers(-2, 3)
    assert [share(ours) for _ in range(50)] == theirs.random(50).tolist()
    large = 2**31 + 5  # every other draw is thrown away
    assert [below(ours, large) for _ in range(50)] == theirs.integers(large, size=50).tolist()
    assert 0.3 + (0.7 - 0.3) * share(ours) == theirs.uniform(0.3, 0.7)


@pytest.mark.parametrize(("entropy", "path"), ROOTS)
def test_seeds_are_those_of_numpy(entropy, path):
    theirs = np.random.SeedSequence(entropy, spawn_key=(*path, 3))
    ours = seeded(words(entropy, *path), 3)
    assert ours[:4].tolist() == theirs.generate_state(4, np.uint64).tolist()
