"""Which key may write which line of a ledger, and what a line may say after the earlier lines."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from leaderboard.ledger.line import Line, Role, Submission
from leaderboard.season.season import commitment
from leaderboard.visible import visible

SIGNERS: Final[Mapping[str, Role]] = {
    "season-open": "organiser",
    "key-add": "organiser",
    "key-revoke": "organiser",
    "submission": "organiser",
    "evaluation": "evaluator",
    "replay": "evaluator",
    "reproduction": "reproducer",
    "reveal": "organiser",
    "withdraw": "organiser",
}
"""Type of a line -> role of the key that signs it; an organiser's key may sign all but the third
party's reproductions."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was added."""

    holder: str
    role: Role
    by: str = ""  # key that added it; the first added itself
    n: int = 0  # line that did
    void_from: int | None = None  # line; None: it was not revoked

    def may_sign(self, kind: str) -> bool:
        """Whether its role lets it write lines of this type."""
        wanted = SIGNERS[kind]
        return self.role == wanted or (self.role == "organiser" and wanted != "reproducer")


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds after some lines of a ledger."""

    season: Line | None = None  # that opened it
    keys: Mapping[str, Key] = field(default_factory=dict)
    submissions: Mapping[str, Submission] = field(default_factory=dict)  # by package
    evaluations: Mapping[str, Line] = field(default_factory=dict)  # by package
    withdrawals: Mapping[str, Line] = field(default_factory=dict)  # by package
    secret: str = ""  # once it was revealed
    utc: str = ""  # of the last line

    def attempts(self, name: str) -> int:
        """How many packages of this name were submitted."""
        return sum(one.name == name for one in self.submissions.values())

    def counts(self, line: Line) -> bool:
        """Whether the signer of a line was trusted then, and is still trusted for that line."""
        return self.trusts(line.key, line.n)

    def trusts(self, name: str, number: int) -> bool:
        """Whether a key's signature counts: neither it nor the key that added it was revoked."""
        key = self.keys[name]
        holds = key.void_from is None or number < key.void_from
        return holds and (not key.by or self.trusts(key.by, key.n))

    @property
    def withdrawn(self) -> frozenset[str]:
        """Submitted packages, by lines that count."""
        found = self.withdrawals.items()
        return frozenset(package for package, line in found if self.counts(line))

    def evaluation(self, package: str) -> Line | None:
        """The evaluation of a package that counts."""
        line = self.evaluations.get(package)
        return line if line is not None and self.counts(line) else None


def complaint(now: Standing, line: Line) -> str:
    """Why a line may not follow, or nothing."""
    if (line.type == "season-open") != (now.season is None):
        return "a ledger opens its season in the first line, and only there"
    if line.type == "season-open":
        return "" if line.key == line.body.key else "is not signed by the key it introduces"
    if line.utc < now.utc:
        return f"utc {line.utc} is earlier than that of the line before, {now.utc}"
    return _signer(now, line) or CHECKS[line.type](now, line)


def after(now: Standing, line: Line) -> Standing:
    """What holds after one more line, which is allowed there."""
    body, now = line.body, replace(now, utc=line.utc)
    match line.type:
        case "season-open":
            first = {body.key: Key(body.holder, "organiser")}
            return replace(now, season=line, keys=first)
        case "key-add":
            return replace(now, keys={**now.keys, body.key: _added(line)})
        case "key-revoke":
            revoked = replace(now.keys[body.key], void_from=body.from_n)
            return replace(now, keys={**now.keys, body.key: revoked})
        case "submission":
            return replace(now, submissions={**now.submissions, body.package: body})
        case "evaluation":
            return replace(now, evaluations={**now.evaluations, body.package: line})
        case "reveal":
            return replace(now, secret=body.secret)
        case "withdraw":
            return replace(now, withdrawals={**now.withdrawals, body.package: line})
    return now


def _added(line: Line) -> Key:
    return Key(line.body.holder, line.body.role, by=line.key, n=line.n)


def _signer(now: Standing, line: Line) -> str:
    key = now.keys.get(line.key)
    if key is None:
        return f"key {line.key[:16]}... was never added to this ledger"
    if key.void_from is not None:
        return f"key {line.key[:16]}... of {visible(key.holder)} was revoked"
    if not now.trusts(line.key, line.n):
        return f"key {line.key[:16]}... was added by a key that was revoked"
    if not key.may_sign(line.type):
        return f"a key of role {key.role} may not sign a line of type {line.type}"
    return ""


def _new_key(now: Standing, line: Line) -> str:
    return "this key was added before; make a new one" if line.body.key in now.keys else ""


def _revocation(now: Standing, line: Line) -> str:
    key = now.keys.get(line.body.key)
    if key is None or key.void_from is not None:
        return "this is not a valid key of the ledger"
    if line.body.from_n > line.n:
        return f"from_n must not lie after this line, {line.n}"
    left = after(now, line)
    if not any(
        one.role == "organiser" and left.trusts(name, line.n) for name, one in left.keys.items()
    ):
        return "this is the last key of an organiser; add another one first"
    return ""


def _submission(now: Standing, line: Line) -> str:
    body = line.body
    if now.secret:
        return "the season's secret is public: it cannot judge new submissions; open a new season"
    if earlier := now.submissions.get(body.package):
        return f"this package was submitted before, as {earlier.name} {earlier.version}"
    if any(
        (one.name, one.version) == (body.name, body.version) for one in now.submissions.values()
    ):
        return f"{body.name} {body.version} was submitted before; raise the version"
    due = now.attempts(body.name) + 1
    return "" if body.attempt == due else f"attempt is {body.attempt}, but must be {due}"


def _evaluation(now: Standing, line: Line) -> str:
    if now.secret:
        return "the season's secret is public: only reproductions and replays may follow"
    if now.evaluation(line.body.package) is not None:
        return "this package was evaluated before; only the first evaluation counts"
    return _submitted(now, line)


def _submitted(now: Standing, line: Line) -> str:
    if line.body.package not in now.submissions:
        return "no such package was submitted"
    return "this package was withdrawn" if line.body.package in now.withdrawn else ""


def _reproduction(now: Standing, line: Line) -> str:
    done = now.evaluation(line.body.package)
    if done is None or done.body.record != line.body.record:
        return "no such record was evaluated"
    if not now.secret:
        return "nobody else can play the season before its secret is revealed"
    if now.keys[done.key].holder == now.keys[line.key].holder:
        return "the evaluator of a record cannot reproduce it; a second party must"
    return _submitted(now, line)


def _reveal(now: Standing, line: Line) -> str:
    assert now.season is not None
    opened = now.season.body
    if now.secret:
        return "the secret was revealed before"
    if commitment(opened.season, bytes.fromhex(line.body.secret)) != opened.commitment:
        return "this is not the secret that the season committed to"
    return ""


CHECKS: Final[Mapping[str, Callable[[Standing, Line], str]]] = {
    "key-add": _new_key,
    "key-revoke": _revocation,
    "submission": _submission,
    "evaluation": _evaluation,
    "replay": _submitted,
    "reproduction": _reproduction,
    "reveal": _reveal,
    "withdraw": _submitted,
}
"""Type of a line -> what else must hold, beside its signer."""
