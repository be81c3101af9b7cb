"""The published schema is that of the model, and says the same of a record."""

import json

import pytest

from leaderboard.record import canonical
from leaderboard.record_schema import PATH, schema_text
from tests.leaderboard.records import entered, noisy


def test_the_published_schema_is_the_models():
    written = PATH.read_text(encoding="utf-8")
    assert written == schema_text(), "run: python -m leaderboard.record_schema"


def test_a_record_is_valid_and_a_changed_one_is_not():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(PATH.read_bytes())
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    told = json.loads(canonical(entered(noisy(50.0)).record))
    assert list(check.iter_errors(told)) == []
    for change in ({"tier": "reproduced"}, {"season": 1}, {"episodes": [{}]}, {"format": "x"}):
        assert list(check.iter_errors({**told, **change})), change
