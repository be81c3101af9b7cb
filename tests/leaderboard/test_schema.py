"""The published schema is that of the model, and says the same of a record."""

import json

import pytest

from leaderboard.record.record import canonical, parse
from leaderboard.record.schema import PATH, schema_text
from p2p_market.errors import RecordError
from tests.leaderboard.records import entered, episode, noisy, record


def test_the_published_schema_is_the_models():
    written = PATH.read_text(encoding="utf-8")
    assert written == schema_text(), "run: python -m leaderboard.record.schema"


def test_a_record_is_valid_and_a_changed_one_is_not():
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(PATH.read_bytes())
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    told = json.loads(canonical(entered(noisy(50.0)).record))
    assert list(check.iter_errors(told)) == []
    for change in ({"tier": "reproduced"}, {"season": 1}, {"episodes": [{}]}, {"format": "x"}):
        assert list(check.iter_errors({**told, **change})), change


@pytest.mark.attack("A07")
@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"season":NaN}', "season"),
        (b'{"format":Infinity}', "format"),
        (b"[" * 200_000, "recursion limit"),
        (b'{"attempt":' + b"9" * 5000 + b"}", "number out of range"),
        (b'{"color":1}', "color"),
        (b"\xff", "Invalid JSON"),
        (b'"' + b"x" * 2**22 + b'"', "must hold keys with values"),
    ],
)
def test_hostile_json_is_no_record(raw, says):
    with pytest.raises(RecordError, match=says) as error:
        parse(raw)
    assert len(str(error.value)) < 1000


@pytest.mark.attack("A07")
@pytest.mark.parametrize(
    ("old", "new"), [(b'"seconds":0.5', b'"seconds":%s' % number) for number in (
        b"NaN", b"Infinity", b"1e999", b"0.50", b"0.5,\"seconds\":0.5", b'"0.5"', b"true")],
)  # fmt: skip
def test_a_number_is_written_in_one_way(old, new):
    text = canonical(record([episode()])) + b"\n"
    assert parse(text).episodes[0].seconds == 0.5
    assert old in text
    with pytest.raises(RecordError, match=r"seconds|canonical spelling"):
        parse(text.replace(old, new))
