"""A record is read-only, wherever it has been."""

import copy
import pickle
from dataclasses import fields

import numpy as np
import pytest

from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.records import Record
from p2p_market.registry import load_scenario


def arrays(record):
    """Every array of a record and of the records in it."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, Record):
            yield from arrays(value)


@pytest.mark.parametrize(
    "sent", [copy.copy, copy.deepcopy, lambda record: pickle.loads(pickle.dumps(record))]
)
def test_a_copy_is_equal_and_read_only(sent):
    scenario = load_scenario("ev-12-v0")
    for record in (scenario, draw(scenario, choose_key(scenario, 0))):
        found, expected = list(arrays(sent(record))), list(arrays(record))
        assert len(found) > 10
        for own, other in zip(found, expected, strict=True):
            assert own.dtype == other.dtype
            assert own.tobytes() == other.tobytes()
            assert not own.flags.writeable
