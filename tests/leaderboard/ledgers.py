"""A season's ledger for tests: keys that are always the same, lines that may stand."""

import hashlib

from leaderboard.ledger import ledger, signing
from leaderboard.ledger.line import read_body
from leaderboard.season.season import commitment

ORGANISER, EVALUATOR, SECOND, STRANGER = (bytes([number]) * 32 for number in (1, 2, 3, 4))
SECRET = "5e" * 32
SEASON = "season-x"
UTC = "2020-01-01T12:00:00Z"


def public(private):
    return signing.public_key(private)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def opening(**other):
    return {
        "season": SEASON,
        "season_digest": digest("season"),
        "commitment": commitment(SEASON, bytes.fromhex(SECRET)),
        "key": public(ORGANISER),
        "holder": "The organisers",
        **other,
    }


def submission(name="first", attempt=1, version="0.1.0"):
    return {
        "name": name, "version": version, "package": digest(f"{name} {version}"),
        "attempt": attempt,
    }  # fmt: skip


def verdict(name="first", record="record", version="0.1.0"):
    return {"package": digest(f"{name} {version}"), "record": digest(record)}


def executed(name="first", record="record", version="0.1.0"):
    return {**verdict(name, record, version), "fields": {}, "files": digest("files")}


def key_add(private, role, holder):
    return {"key": public(private), "role": role, "holder": holder}


STORY = (
    ("season-open", opening(), ORGANISER),
    ("key-add", key_add(EVALUATOR, "evaluator", "The evaluator"), ORGANISER),
    ("key-add", key_add(SECOND, "reproducer", "Another team"), ORGANISER),
    ("submission", submission(), ORGANISER),
    ("evaluation", executed(), EVALUATOR),
    ("replay", verdict(), EVALUATOR),
    ("reveal", {"secret": SECRET}, ORGANISER),
    ("reproduction", verdict(), SECOND),
)
"""Type, body and key of lines that may follow one another."""


def add(path, kind, body, private, utc=UTC):
    return ledger.append(path, kind, read_body(kind, body), private, utc)


def written(folder, story=STORY):
    """A ledger with these lines."""
    path = folder / ledger.NAME
    for line in story:
        add(path, *line)
    return path
