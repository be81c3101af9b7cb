"""An entry says which roles it plays; a season may draw the seats of one role alone."""

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("jinja2")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from leaderboard.checking.verify import _package
from leaderboard.package.package import pack_folder
from leaderboard.playing.candidate import of_baseline, of_package
from leaderboard.playing.evaluate import evaluate, tasks_of
from leaderboard.playing.opening import open_season
from leaderboard.record import entries
from leaderboard.record.record import canonical, parse
from leaderboard.season.season import SECRET
from leaderboard.site.build import files
from leaderboard.site.gather import gather
from leaderboard.verbs import commands
from p2p_market.errors import RecordError
from tests.leaderboard.records import episode
from tests.leaderboard.records import record as record_of
from tests.toy import test_board as board

FOCAL = 'focal = {{ scenario = "toy-v0", draws = 2, seats = {} }}\n'


def opened(folder, focal):
    folder.mkdir()
    crowd = 'population = "tests.toy.test_seats:CROWD"\n'
    (folder / "plan.toml").write_text(board.PLAN + (crowd + FOCAL.format(focal) if focal else ""))
    (folder / "secret").write_text(bytes(range(32)).hex())
    return open_season(folder / "plan.toml", folder / "toy", folder / "secret")


@pytest.fixture(scope="module")
def draft(tmp_path_factory):
    """A package that plays storages alone."""
    folder = tmp_path_factory.mktemp("mine")
    (folder / "submission.toml").write_text(board.MANIFEST)
    (folder / "storage.toml").write_text(board.RULE)
    return folder


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    return opened(tmp_path_factory.mktemp("season") / "toy", None)


def test_an_entry_names_its_roles(season, draft):
    where = season.folder / entries.FOLDER
    record = evaluate(of_package(pack_folder(draft), season), season, where)
    for name in ("idle", "storage=thrifty,plant=random"):
        evaluate(of_baseline(name, "toy"), season, where)
    assert record.entry.roles == ["storage"]
    known = {one.record.entry.name: one.record.entry.roles for one in entries.entered(season)}
    assert known["idle"] is None
    assert known["storage-thrifty-plant-random"] == ["storage", "plant"]
    (season.folder / SECRET).write_text(season.known_secret().hex() + "\n")
    pages = {name: data.decode() for name, data in files(gather(season)).items()
             if name.endswith(".html")}  # fmt: skip
    assert '<span class="soft">plays storage</span>' in pages["index.html"]
    assert "It plays storage; every other role" in pages["entries/my-agent-0.1.0.html"]
    assert "It plays" not in pages["entries/idle-1.0.0.html"]


def test_other_roles_than_the_package_says_are_found(season, draft):
    candidate = of_package(pack_folder(draft), season)
    record = evaluate(candidate, season, season.folder / entries.FOLDER)
    folder = season.folder / entries.FOLDER / "my-agent-0.1.0"
    assert _package(folder, record) == []
    other = record.entry.model_copy(update={"roles": ["plant"]})
    told = _package(folder, record.model_copy(update={"entry": other}))
    assert told == ["entry.roles is not what the package says"]


def test_a_record_of_all_roles_reads_as_before():
    record = record_of([episode()])
    text = canonical(record)
    assert b'"roles"' not in text
    assert parse(text + b"\n").entry.roles is None


def test_the_gate_says_which_roles_play(draft, monkeypatch):
    monkeypatch.setattr(commands, "known_ids", lambda: ["toy-v0"])
    lines = commands.check_file(draft)
    assert "plays the roles storage; every other role plays its rule" in lines


@pytest.mark.parametrize(("role", "seats"), [("storage", {0, 1}), ("plant", {2})])
def test_seats_of_one_role_are_drawn(tmp_path, role, seats):
    season = opened(tmp_path / role, f'{len(seats)}, role = "{role}"')
    tasks = tasks_of(of_baseline("thrifty", "toy"), season)
    assert [task.seat for task in tasks if task.seat is not None] == sorted(seats) * 2


@pytest.mark.parametrize(
    ("focal", "said"),
    [
        ('1, role = "wind"', "has no role 'wind'; its roles are storage, plant"),
        ('2, role = "plant"', "2 of each draw, and toy-v0 has 1 of role 'plant'; ask for less"),
        ("4", "4 of each draw, and toy-v0 has 3; ask for less"),
    ],
)
def test_seats_that_are_not_there_are_refused(tmp_path, focal, said):
    with pytest.raises(RecordError, match=said):
        opened(tmp_path / "season", focal)
