"""A season from its opening to its reveal: whatever is changed afterwards is found and named."""

import json
import lzma
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

pytest.importorskip("cryptography")
pytest.importorskip("onnxruntime")

from leaderboard.checking import verify
from leaderboard.checking.replay import GIVEN, replay, reproduced
from leaderboard.ledger import ledger
from leaderboard.playing.candidate import of_baseline, of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.ranking.ranking import board_of
from leaderboard.record import entries, sums
from leaderboard.record.entries import PACKAGE, TRACES
from leaderboard.record.record import NAME, Record, canonical, digest
from leaderboard.record.traces import Trace, packed
from leaderboard.record.traces import read as read_trace
from leaderboard.season import season
from p2p_market.commands.app import app
from p2p_market.errors import LedgerError, RecordError
from tests.leaderboard import packages
from tests.leaderboard.ledgers import EVALUATOR, ORGANISER, SECOND, add, key_add, public
from tests.leaderboard.seasons import SECRET, opened

OWN = "my-agent-0.1.0"


def said(own, kind, private, body):
    add(own.folder / ledger.NAME, kind, body, private)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    own = opened(tmp_path_factory.mktemp("season"))
    where = own.folder / entries.FOLDER
    opening = {
        "season": own.id, "season_digest": own.digest, "commitment": own.file.sealed.commitment,
        "key": public(ORGANISER), "holder": "The organisers",
    }  # fmt: skip
    said(own, "season-open", ORGANISER, opening)
    said(own, "key-add", ORGANISER, key_add(EVALUATOR, "evaluator", "The evaluator"))
    said(own, "key-add", ORGANISER, key_add(SECOND, "reproducer", "Another team"))
    for candidate in (of_package(packages.package(), own), of_baseline("zero-intelligence")):
        record = evaluate(candidate, own, where)
        folder = where / f"{record.entry.name}-{record.entry.version}"
        said(own, "submission", ORGANISER, verify.submission_of(folder).model_dump())
        said(own, "evaluation", EVALUATOR, verify.evaluation_of(folder).model_dump())
    (own.folder / season.SECRET).write_text(SECRET.hex() + "\n")
    said(own, "reveal", ORGANISER, {"secret": SECRET.hex()})
    return own.folder


@pytest.fixture
def copy(whole, tmp_path):
    """The same, to be changed."""
    return shutil.copytree(whole, tmp_path / "tiny")


def problems(folder):
    return verify.verify(season.read(folder))


def differences(folder, name=OWN):
    return replay(folder / entries.FOLDER / name, season.read(folder))


def edited(folder, edit, name=OWN):
    """A record changed by hand, in its canonical spelling."""
    path = folder / entries.FOLDER / name / NAME
    told = json.loads(path.read_bytes())
    edit(told)
    text = json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    path.write_bytes(text)


def test_nothing_is_wrong_with_a_whole_season(whole):
    assert problems(whole) == []
    own = season.read(whole)
    assert [one.tier for one in entries.entered(own)] == ["re-executed"] * 2
    board = board_of(own.id, entries.entered(own))
    assert [row.entered.record.entry.name for row in board.shown] == ["zero-intelligence"]
    assert len(board.policies.rows) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_every_number_is_found_again(whole, workers):
    own = season.read(whole)
    heard = []
    folder = whole / entries.FOLDER / OWN
    assert replay(folder, own, workers, lambda *done: heard.append(done)) == []
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert differences(whole, "zero-intelligence-1.0.0") == []


NUMBERS = ("cost_eur", "rule_eur", "best_eur", "steps")


@pytest.mark.attack("C01")
@pytest.mark.parametrize("field", NUMBERS)
def test_an_edited_number_is_named(copy, field):
    def edit(told):
        value = told["episodes"][1][field]
        told["episodes"][1][field] = float(np.nextafter(value, 0.5)) if field != "steps" else 1

    edited(copy, edit)
    (line,) = differences(copy)
    assert line.startswith(f"policy.toml, classic-v0, draw 1: {field} is ")
    found = problems(copy)
    assert f"{OWN}: {NAME}: was changed since the evaluation" in found
    assert f"{OWN}: record is not the one of the evaluation (line 4); changed: episodes" in found
    assert entries.entered(season.read(copy))[0].tier == "self-reported"


@pytest.mark.parametrize(
    ("edit", "names"),
    [
        (lambda one: one["metrics"].update(peak=0.0), "metrics.peak is 0.0"),
        (lambda one: one["metrics"].update(lost_load=-0.0), "metrics.lost_load is -0.0 in the rec"),
        (lambda one: one["saved_eur"].__setitem__(2, 0.5), "saved_eur.2 is 0.5"),
        (lambda one: one["saved_eur"].pop(), "saved_eur is ["),
        (lambda one: one.update(chain="0" * 64), "chain is 0000"),
        (lambda one: one.update(failed=True), "failed is True"),
        (lambda one: one.update(faults={"late": 3}), "faults.late is 3"),
        (lambda one: one.update(trace_sha256="0" * 64), "trace_sha256 is 0000"),
        (lambda one: one.update(trace="nothing"), "trace: "),
    ],
)
def test_an_edited_episode_is_named(copy, edit, names):
    edited(copy, lambda told: edit(told["episodes"][0]))
    assert any(f"draw 0: {names}" in line for line in differences(copy))
    assert problems(copy)


def test_an_edited_focal_episode_is_named(copy):
    edited(copy, lambda told: told["focal"][0].update(truthful_eur=0.0))
    (line,) = differences(copy)
    assert ("seat " in line, "truthful_eur is 0.0" in line) == (True, True)


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda told: told.update(created_utc="2026-01-01T00:00:00Z"), "created_utc"),
        (lambda told: told["platform"].update(machine="other"), "platform"),
        (lambda told: told["environment"].update(sandbox="other"), "environment"),
        (lambda told: told["episodes"][0].update(seconds=0.0), "episodes"),
        (lambda told: told["entry"]["citation"].update(title="Better"), "entry"),
    ],
)
def test_what_no_replay_can_tell_is_named_by_the_ledger(copy, edit, field):
    edited(copy, edit)
    assert any(line.endswith(f"changed: {field}") for line in problems(copy))


def test_a_replayed_field_is_never_forgotten(whole):
    record = entries.read(whole / entries.FOLDER / OWN)
    assert {"cost_eur", "metrics", "faults", "failed"}.isdisjoint(GIVEN)
    assert record.episodes[0].model_dump().keys() > GIVEN - {"seat"}


@pytest.mark.attack("C01")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_bit_of_any_file_is_found_and_the_file_named(whole, data):
    paths = sorted(path for path in whole.rglob("*") if path.is_file() and path.name[0] != ".")
    path = data.draw(st.sampled_from(paths))
    before = path.read_bytes()
    place, bit = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(before)
    changed[place] ^= 1 << bit
    path.write_bytes(bytes(changed))
    try:
        found = problems(whole)
    except Exception as error:
        found = [str(error)]
    finally:
        path.write_bytes(before)
    if path.name == season.SECRET and bytes(changed).lower().strip() == before.strip():
        return  # other letters for the same number, or another end of the line
    assert found, (path, place, bit)
    named = "\n".join(found)
    assert path.name in named or path.parent.name in named or "secret" in named, named


def test_a_trace_packed_otherwise_or_changed(copy):
    folder = copy / entries.FOLDER / OWN
    path = sorted((folder / TRACES).iterdir())[0]
    before = path.read_bytes()
    path.write_bytes(lzma.compress(lzma.decompress(before), preset=0))
    assert differences(copy) == []  # the same actions
    assert problems(copy) == [f"{OWN}: {TRACES}/{path.name}: was changed since the evaluation"]
    trace, _ = read_trace(path)
    actions = trace.actions["actions"].copy()
    actions[3, 0, 0] ^= 1
    path.write_bytes(packed(Trace({"actions": actions}, trace.faults))[0])
    assert any("trace_sha256 is " in line for line in differences(copy))
    path.unlink()
    assert any("trace: " in line for line in differences(copy))
    assert problems(copy) == [f"{OWN}: {TRACES}/{path.name}: is missing"]


@pytest.mark.attack("C06")
def test_a_consistent_forgery_is_not_what_was_evaluated(copy):
    # a better trace with all its numbers computed: it replays, and is not what the evaluator signed
    other = copy / entries.FOLDER / "zero-intelligence-1.0.0"
    own = copy / entries.FOLDER / OWN
    shutil.rmtree(own / TRACES)
    shutil.copytree(other / TRACES, own / TRACES)
    theirs = json.loads((other / NAME).read_bytes())
    edited(copy, lambda told: told.update(episodes=theirs["episodes"], focal=theirs["focal"]))
    assert differences(copy) == []
    assert any("changed: episodes, focal" in line for line in problems(copy))
    assert entries.entered(season.read(copy))[0].tier == "self-reported"
    board = board_of("tiny", entries.entered(season.read(copy)))
    assert board.policies.ranked == ()


def test_a_claim_in_a_record_is_refused_and_a_forged_signature_too(copy):
    edited(copy, lambda told: told.update(tier="reproduced"))
    assert any("tier" in line for line in problems(copy))
    with pytest.raises(RecordError, match="tier"):
        entries.read(copy / entries.FOLDER / OWN)


def test_who_signs_with_another_key_says_nothing(copy):
    path = copy / ledger.NAME
    before = path.read_bytes()
    body = verify.verdict_of(copy / entries.FOLDER / OWN).model_dump()
    with pytest.raises(LedgerError, match="was never added"):
        add(path, "reproduction", body, b"\x09" * 32)
    assert path.read_bytes() == before
    add(path, "reproduction", body, SECOND)
    assert entries.entered(season.read(copy))[0].tier == "reproduced"


@pytest.mark.attack("C04")
def test_a_record_of_another_season_or_environment_is_refused(copy, tmp_path):
    own = season.read(copy)
    record = entries.read(copy / entries.FOLDER / OWN)
    folder = copy / entries.FOLDER / OWN
    assert entries.unfit(folder, record, own) == []
    for change, says in (
        ({"season": "other"}, "season is 'other', but 'tiny'"),
        ({"season_digest": "0" * 64}, "season_digest is "),
        ({"episodes": record.episodes[1:]}, "draw 0: is missing"),
        ({"episodes": [*record.episodes, record.episodes[0]]}, "draw 0: is too many"),
        ({"focal": []}, "focal: policy.toml, classic-v0, draw 0: is missing"),
    ):
        other = record.model_copy(update=change)
        assert any(says in line for line in entries.unfit(folder, other, own)), says
    for field, value in (("p2p_market", "9.9"), ("population", "x:y"), ("scenarios", {})):
        other = record.environment.model_copy(update={field: value})
        found = entries.unfit(folder, record.model_copy(update={"environment": other}), own)
        assert f"environment.{field}" in found[0]
    assert "folder is " in entries.unfit(tmp_path, record, own)[0]
    edited(copy, lambda told: told.update(season="other"))
    with pytest.raises(RecordError, match="season is 'other'"):
        entries.entered(own)
    assert differences(copy) == ["season is 'other', but 'tiny' in this season"]


def test_scenarios_of_one_name_are_the_same_for_all_entries(copy):
    edited(copy, lambda told: told["environment"]["scenarios"].update({"classic-v0": "0" * 64}))
    with pytest.raises(RecordError, match="different scenarios of one name"):
        entries.entered(season.read(copy))


def test_what_is_gone_or_swapped_is_named(copy):
    own, other = (copy / entries.FOLDER / name for name in (OWN, "zero-intelligence-1.0.0"))
    (own / PACKAGE).write_bytes(packages.package({"policy.toml": b'rule = "zip"\n'}))
    found = problems(copy)
    assert f"{OWN}: {PACKAGE}: was changed since the evaluation" in found
    assert any(f"{PACKAGE}: has identity " in line for line in found)
    (own / PACKAGE).unlink()
    assert f"{OWN}: {PACKAGE}: is missing" in problems(copy)
    shutil.rmtree(other)
    assert any("zero-intelligence-1.0.0: was evaluated (line 6), but is missing" in line
               for line in problems(copy))  # fmt: skip
    (copy / season.SECRET).unlink()
    assert any("secret.hex: is missing" in line for line in problems(copy))


def test_an_added_file_is_named(copy):
    (copy / entries.FOLDER / OWN / "extra.txt").write_text("x")
    assert problems(copy) == [f"{OWN}: extra.txt: was added since the evaluation"]


def test_the_ledger_of_another_season_is_refused(copy):
    path = copy / "season.toml"
    path.write_text(path.read_text().replace("Two days", "Two other days"))
    found = problems(copy)
    assert any(line.startswith("ledger.jsonl, line 0: season_digest is ") for line in found)


@pytest.mark.attack("C07")
def test_a_wrong_secret_or_table_is_told_by_anyone(copy):
    table = min((copy / season.REFERENCE).iterdir())
    before = table.read_bytes()
    table.write_bytes(before + b" ")
    with pytest.raises(RecordError, match="is not the table"):
        season.read(copy)
    table.write_bytes(before)
    (copy / season.SECRET).write_text("00" * 32)
    with pytest.raises(RecordError, match="the secret is not the one"):
        season.read(copy)


def test_the_list_of_files_is_held_by_the_ledger(copy):
    folder = copy / entries.FOLDER / OWN
    (folder / "extra.txt").write_text("x")
    sums.write(folder)
    assert problems(copy) == [f"{OWN}: SHA256SUMS: was changed since the evaluation"]


def test_a_second_party_finds_the_same_but_for_times(whole, tmp_path):
    own = season.read(whole)
    record = entries.read(whole / entries.FOLDER / OWN)
    again = evaluate(of_package(packages.package(), own), own, tmp_path)
    assert reproduced(record, again) == []
    told = json.loads(canonical(again))
    told["episodes"][0]["cost_eur"] += 1.0
    other = Record.model_validate(told)
    assert reproduced(record, other) == ["policy.toml, classic-v0, draw 0: cost_eur differs"]
    fewer = again.model_copy(update={"focal": []})
    assert reproduced(fewer, again)[0].endswith("is in one record only")
    assert digest(record) == verify.verdict_of(whole / entries.FOLDER / OWN).record


def run(*arguments):
    done = CliRunner().invoke(app, ["leaderboard", *map(str, arguments)])
    lines = done.output.splitlines(keepends=True)
    return done.exit_code, "".join(line for line in lines if not line.startswith("episodes"))


def test_verbs_say_what_is_right(whole, tmp_path):
    entry = whole / entries.FOLDER / OWN
    assert run("replay", entry) == (0, "all numbers are found again, to the last bit\n")
    code, told = run("verify", entry)
    assert (code, "my-agent 0.1.0: re-executed, record " in told) == (0, True)
    kept = run("ledger", "show", whole)[1].split()[-1]
    known = ("--checkpoint", kept, "--key", public(ORGANISER))
    code, told = run("verify", whole, "--no-replay", *known)
    assert (code, kept in told) == (0, True)
    code, told = run("rank", whole)
    assert (code, "References and tripwires, which are never ranked" in told) == (0, True)
    assert "zero-intelligence 1.0.0" in told
    assert run("export", whole, "--format", "csv", "-o", tmp_path / "board.csv")[0] == 0
    assert (tmp_path / "board.csv").read_text().count("\n") == 3
    assert "@misc{" in run("export", whole, "--format", "bibtex")[1]


def test_verbs_say_what_is_wrong(copy):
    entry = copy / entries.FOLDER / OWN
    edited(copy, lambda told: told["episodes"][0].update(cost_eur=0.0))
    code, told = run("replay", entry)
    assert (code, "wrong: policy.toml, classic-v0, draw 0: cost_eur is 0.0" in told) == (1, True)
    code, told = run("verify", copy, "--no-replay")
    assert (code, "changed: episodes" in told) == (1, True)
    assert run("export", copy, "--format", "xml")[0] == 2
    assert run("replay", copy / "nowhere")[0] == 2
    assert run("verify", entry, "--checkpoint", "99:" + "0" * 64, "--no-replay")[0] == 1
    assert "must be NUMBER" in run("verify", entry, "--checkpoint", "9" * 5000 + ":0")[1]


def test_lines_are_added_by_verbs(copy, tmp_path):
    code, told = run("ledger", "key", tmp_path / "key")
    assert code == 0
    entry, own = copy / entries.FOLDER / OWN, season.read(copy)
    name = told.split()[2]
    body = {"key": name, "role": "reproducer", "holder": "A third team"}
    add(copy / ledger.NAME, "key-add", body, ORGANISER, utc="2020-01-01T12:00:01Z")
    own_run = tmp_path / "own"
    evaluate(of_package(packages.package(), own), own, own_run)
    reproduction = ("ledger", "add", copy, "reproduction", "--key", tmp_path / "key")
    code, told = run(*reproduction, "--entry", entry)
    assert (code, "--own FOLDER" in told) == (2, True)
    code, told = run(*reproduction, "--entry", entry, "--own", own_run / OWN)
    assert code == 0, told
    assert entries.entered(season.read(copy))[0].tier == "reproduced"
    code, told = run("ledger", "add", copy, "withdraw", "--key", tmp_path / "key", "--entry", entry,
                     "--set", "reason=x")  # fmt: skip
    assert (code, "may not sign a line of type withdraw" in told) == (1, True)
    assert run("ledger", "add", copy, "replay", "--key", tmp_path / "key")[0] == 2
    path = tmp_path / "next.zip"
    path.write_bytes(packages.package(draft=packages.DRAFT.replace("0.1.0", "0.2.0")))
    known = verify.handed_in(path, ledger.read(copy / ledger.NAME))
    assert (known.version, known.attempt) == ("0.2.0", 2)
    key = ("--key", tmp_path / "key")
    code, told = run("ledger", "add", copy, "submission", *key, "--entry", path)
    assert (code, "may not sign a line of type submission" in told) == (1, True)
    assert run("ledger", "add", copy, "replay", "--key", tmp_path / "key", "--set", "x")[0] == 2
