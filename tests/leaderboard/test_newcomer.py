"""What a newcomer does wrong and is told; one board alone; entries beside those of a season."""

import re
import shutil

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("cvxpy")
pytest.importorskip("jinja2")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from leaderboard.checking.replay import replay_all
from leaderboard.playing.candidate import of_baseline
from leaderboard.playing.evaluate import evaluate
from leaderboard.record import entries
from leaderboard.record.record import parse
from leaderboard.season import season
from leaderboard.season.boards import public
from leaderboard.tracks.card import BoardCard
from leaderboard.verbs import running
from leaderboard.verbs.summary import summary
from p2p_market.errors import UsageError
from p2p_market.evaluation.running.processes import processors
from tests.leaderboard.networks import network
from tests.leaderboard.packages import DRAFT, package
from tests.leaderboard.seasons import net, rule
from tests.leaderboard.test_verbs import run

pytestmark = pytest.mark.xdist_group("seasons")


@pytest.fixture(scope="module")
def given(tiny, tmp_path_factory):
    """A folder with one thing of each kind."""
    folder = tmp_path_factory.mktemp("given")
    run("init", folder / "draft", "--kind", "rules")
    run("pack", folder / "draft", "-o", folder / "package.zip")
    evaluate(rule(tiny), tiny, folder / "entries")
    (folder / "empty").mkdir()
    return {
        "draft": folder / "draft",
        "zip": folder / "package.zip",
        "entry": folder / "entries" / "my-agent-0.1.0",
        "season": season.FOLDER / "dev",
        "empty": folder / "empty",
        "nothing": folder / "nowhere.zip",
    }


@pytest.mark.parametrize(
    ("verb", "kind", "says"),
    [
        ("pack", "zip", "is the zip of a submission, for `p2p-market leaderboard check, run or"),
        ("replay", "draft", "the folder of a submission, for `p2p-market leaderboard pack, check"),
        ("run", "entry", "with result.json, for `p2p-market leaderboard replay or verify`"),
        ("check", "nothing", "this verb takes the zip of a submission or the folder of a"),
        ("replay", "zip", "this verb takes the folder of an entry, with result.json"),
        ("replay", "season", "is a season, for `p2p-market leaderboard rank, build, export or"),
        ("verify", "zip", "takes the folder of an entry, with result.json or a season"),
        ("verify", "empty", "is none of what this verb takes"),
        ("rank", "entry", "with result.json, for `p2p-market leaderboard replay or verify`"),
        ("rank", "nothing", "there is no such season; known: dev, dev-battery, season-0"),
    ],
)
def test_the_wrong_thing_is_told_its_verb(given, verb, kind, says):
    code, said = run(verb, given[kind])
    assert code == 2
    assert says in said.replace("\n", "")
    assert "0/?" not in said


def test_check_packs_a_folder_first(given):
    code, said = run("check", given["draft"])
    assert (code, f"packed: {given['draft']}.zip" in said) == (0, True), said
    assert f"accepted. Next: p2p-market leaderboard run {given['draft']}.zip" in said
    unsigned = "its author is still Ada Example; say in submission.toml who you are"
    assert unsigned in said
    manifest = given["draft"] / "submission.toml"
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace("Ada Example", "Ada Lovelace"), encoding="utf-8")
    assert unsigned not in run("check", given["draft"])[1]
    manifest.write_text(text, encoding="utf-8")
    code, said = run("check", given["empty"])
    assert (code, "no submission.toml; `p2p-market leaderboard init` writes one" in said) == (
        1, True,
    )  # fmt: skip


def test_evaluate_takes_a_zip_or_the_name_of_a_reference(given):
    code, said = run("evaluate", given["draft"], "--season", "dev")
    assert (code, "pack it first: p2p-market leaderboard" in said) == (2, True)


@pytest.mark.parametrize("path", ["dev", season.FOLDER / "dev" / "entries" / "truthful-1.0.0"])
def test_a_season_without_a_ledger_is_not_verified(path, monkeypatch):
    monkeypatch.setattr("leaderboard.verbs.judging.replay_all", None)  # nothing is played
    code, said = run("verify", path)
    assert code == 2
    assert "season dev has no ledger to verify by; use `p2p-market leaderboard replay " in said
    assert "--secret-file" not in said  # that of dev is known to everybody


def test_the_package_has_the_name_of_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, name, title in (
        ("Solar Föx 2", "solar-fox-2", "Solar fox 2"),
        ("x" * 60, "x" * 40, "X" + "x" * 39),
        ("b3", "my-agent", "My agent"),
    ):
        said = run("init", folder)[1]
        assert f"the package is called {name}" in said
        assert ("b3 is too short for a name (3 or more): the package" in said) == (folder == "b3")
        text = (tmp_path / folder / "submission.toml").read_text("utf-8")
        assert f'\nname = "{name}"' in text
        assert f'\ntitle = "{title}"' in text
        assert f"https://example.org/{name}" in text
        assert run("pack", folder)[0] == 0
    monkeypatch.chdir(tmp_path / "Solar Föx 2")
    assert run("pack", ".")[0] == 0
    assert not (tmp_path / "Solar Föx 2" / "Solar Föx 2.zip").exists()


def test_pack_refuses_an_unknown_rule_and_names_the_older_zip(tmp_path):
    run("init", tmp_path / "mine", "--kind", "rules")
    (tmp_path / "mine" / "policy.toml").write_text('rule = "truthfull"\n')
    code, said = run("pack", tmp_path / "mine")
    assert (code, "truthfull" in said, "storage-value" in said) == (1, True, True)
    assert "earlier" not in said
    (tmp_path / "mine.zip").write_bytes(package())
    assert "mine.zip is still what an earlier `pack` wrote" in run("pack", tmp_path / "mine")[1]


def test_one_board_is_played_and_goes_on(tiny, tmp_path, monkeypatch):
    (tmp_path / "net.zip").write_bytes(
        package({"policy.onnx": network().SerializeToString()}, DRAFT.replace('"rules"', '"onnx"'))
    )
    monkeypatch.setattr(running, "find", lambda _: tiny.folder)
    monkeypatch.setattr(running, "read", lambda _: tiny)
    own = tmp_path / "out" / "my-agent-0.1.0"

    def go(board):
        counts = []
        told = running.run(
            tmp_path / "net.zip", board, tmp_path / "out", 1, None, lambda *n: counts.append(n)
        )
        return "\n".join(told), counts

    with pytest.raises(UsageError, match="no board 'ev-12-v0' in dev; known: classic-v0"):
        go("ev-12-v0")
    said, counts = go("classic-v0")
    assert counts[-1] == (3, 3)
    assert said.startswith("my-agent 0.1.0 passed the gate: kind onnx, ")
    assert "no record of one board" in said
    assert not (own / "result.json").exists()
    said, counts = go(None)  # all of it was played before
    assert counts == [(3, 3)]
    assert f"rank dev --entries {tmp_path / 'out'}" in said
    record = parse((own / "result.json").read_bytes())
    assert len(record.episodes) == 2
    assert go("classic-v0")[0].splitlines()[2] in said


def test_scores_stand_beside_those_of_references(tiny, tmp_path):
    copy = tmp_path / "tiny"
    shutil.copytree(tiny.folder, copy)
    own = season.read(copy, tiny.secret)
    for name in ("no-trade", "truthful", "optimum"):
        evaluate(of_baseline(name), own, copy / "entries")
    record = evaluate(net(own), own, tmp_path / "out")
    lines = summary(record, own, None)
    assert lines[0].split() == ["board", "my-agent", "0.1.0", "no-trade", "truthful"]
    assert [line.split("  ")[0] for line in lines[1:4]] == [
        "classic-v0", "all boards", "one seat, EUR",
    ]  # fmt: skip
    assert lines[2].split()[3] == "0.0"
    assert "against no-trade in that seat" in "\n".join(lines)
    assert lines[-1] == "3 episodes, no faulty step"
    broken = record.model_copy(
        update={"focal": [one.model_copy(update={"faults": {"late": 2}}) for one in record.focal]}
    )
    assert summary(broken, own, None)[-1] == "classic-v0: 2 faulty steps, 0 failed episodes"


def test_entries_of_another_folder_are_shown_beside_those_of_a_season(tiny, tmp_path):
    copy = tmp_path / "tiny"
    shutil.copytree(tiny.folder, copy)
    own = season.read(copy, tiny.secret)
    code, said = run("rank", copy)
    assert (code, "no entries to rank; --entries FOLDER adds" in said) == (2, True)
    assert "`run` writes one" in run("rank", copy, "--entries", tmp_path)[1]
    evaluate(of_baseline("no-trade"), own, copy / "entries")
    evaluate(rule(own), own, tmp_path / "out")
    (tmp_path / "out" / "unfinished-1.0.0" / "parts").mkdir(parents=True)
    battery = season.FOLDER / "dev-battery" / "entries" / "dam-only-1.0.0"
    shutil.copytree(battery, tmp_path / "out" / battery.name)  # `run` writes all tracks there
    code, said = run("rank", copy, "--entries", tmp_path / "out")
    assert code == 0, said
    assert "my-agent 0.1.0: self-reported" in said
    assert "no-trade 1.0.0" in said
    assert "dam-only" not in said
    assert "Counted with the references it would take place 1 of 2 (1 in 95 % of draws)" in said
    assert "Differences of scores on the same draws" in said
    assert re.search(r"^my-agent 0.1.0  no-trade 1.0.0  \d", said, flags=re.MULTILINE)
    assert "score: 0 costs what no-trade costs" in said
    assert "tripwires: blind policies" in said
    assert run("build", copy, "--entries", tmp_path / "out", "-o", tmp_path / "site")[0] == 0
    page = (tmp_path / "site" / "entries" / "my-agent-0.1.0.html").read_text("utf-8")
    board = (tmp_path / "site" / "index.html").read_text("utf-8")
    unrun = board.partition("<h2>Not run by an organiser</h2>")[2].partition("<h2>")[0]
    assert "my-agent" in unrun
    assert f"leaderboard replay {tmp_path / 'out' / 'my-agent-0.1.0'}" in page
    assert "leaderboard verify" not in page


def test_a_package_is_run_in_the_public_season_of_its_track(tmp_path, monkeypatch):
    played = []

    def evaluate(candidate, season, *_):
        played.append((candidate.entry.name, season.id))
        raise UsageError("enough")

    monkeypatch.setattr(running, "evaluate", evaluate)
    for track in ("community", "battery"):
        run("init", tmp_path / track, "--track", track)
        assert "enough" in run("run", tmp_path / track)[1]  # packed by itself
    assert played == [("community", "dev"), ("battery", "dev-battery")]
    code, said = run("run", tmp_path / "battery.zip", "--board", "classic-v0")
    assert code == 2
    assert "no board 'classic-v0' in dev-battery; known: battery-146-v0, battery-146-wide" in said


def test_a_track_without_public_draws_is_told_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "net.zip").write_bytes(package())
    monkeypatch.setattr(running, "board_card", lambda _: BoardCard())
    code, said = run("run", tmp_path / "net.zip")
    assert code == 1
    assert "track 'community' has no public draws; open a season of your own with" in said


PUBLIC = {
    "dev": {"no-trade", "truthful", "storage-value"},
    "dev-battery": {"dam-only", "reserve-first", "random-masked"},
}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_seasons_hold_rules_to_compare_with(name):
    own = season.read(season.FOLDER / name)
    assert public(own.file)
    assert own.secret is not None
    found = entries.entered(own)
    assert {one.record.entry.name for one in found} == PUBLIC[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLIC)
def test_the_rules_of_the_public_seasons_replay(name):
    own = season.read(season.FOLDER / name)
    found = replay_all(entries.folders(own), own, processors())
    assert list(found.values()) == [[], [], []]
