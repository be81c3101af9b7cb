"""A season by the commands that an organiser and a second party type, from the plan to the end."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("cryptography")
pytest.importorskip("cvxpy")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from leaderboard.forms import read_toml
from leaderboard.record import entries, sums
from leaderboard.season import boards, season
from p2p_market.commands.app import app
from tests.leaderboard.packages import DRAFT, package
from tests.leaderboard.seasons import PLAN

pytestmark = pytest.mark.xdist_group("seasons")
SECOND = DRAFT.replace('"0.1.0"', '"0.2.0"')
FOUND = "all 3 episodes are those of the published record, to the last bit"


def said(*arguments, code=0):
    done = CliRunner().invoke(app, ["leaderboard", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def add(kind, *more, key="mine", code=0):
    return said("ledger", "add", "tiny", kind, "--key", key, *more, code=code)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The folder where a season was played, its second version of one entry, and revealed."""
    folder = tmp_path_factory.mktemp("organiser")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(season, "FOLDER", folder)  # as if it were the repository's
        (folder / "plan.toml").write_text(PLAN.format(id="tiny", step_s=60.0))
        for name, draft in (("first.zip", DRAFT), ("second.zip", SECOND)):
            (folder / name).write_bytes(package(draft=draft))
        said("season", "open", "tiny", "--plan", "plan.toml", "--secret-file", "secret")
        said("ledger", "key", "mine")
        add("season-open", "--set", "holder=The organisers")
        add("submission", "--entry", "first.zip")
        add("submission", "--entry", "second.zip")
        said("evaluate", "second.zip", "--season", "tiny", "--secret-file", "secret")
        add("evaluation", "--entry", "tiny/entries/my-agent-0.2.0")
        add("reveal", "--secret-file", "secret")
        yield folder


def entry(folder):
    return folder / "tiny" / entries.FOLDER / "my-agent-0.2.0"


def test_the_ledger_tells_which_attempt_it_is(played):
    assert entries.read(entry(played)).entry.attempt == 2


def test_the_reveal_writes_the_secret_and_the_season_verifies(played):
    assert (played / "tiny" / season.SECRET).read_text() == (played / "secret").read_text()
    assert "my-agent 0.2.0: re-executed" in said("verify", "tiny")


def test_who_evaluates_twice_is_refused_and_rewrites_nothing(played):
    listed, extra = entry(played) / sums.NAME, entry(played) / "extra"
    before = listed.read_bytes()
    extra.write_text("added since")
    words = add("evaluation", "--entry", entry(played), code=1)
    extra.unlink()
    assert "was evaluated before" in words
    assert listed.read_bytes() == before


def test_a_second_party_reproduces(played):
    again = played / "again" / "my-agent-0.2.0"
    assert FOUND in said("evaluate", "second.zip", "--season", "tiny", "-o", "again")
    assert "found again" in said("replay", again)  # its record names the season
    public = said("ledger", "key", "other").split()[2]
    add("key-add", "--set", f"key={public}", "--set", "role=reproducer", "--set", "holder=Others")
    add("reproduction", "--entry", entry(played), "--own", again, key="other")
    assert "reproduced" in said("rank", "tiny")


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        (b'"steps":24', b'"steps":23', 0, "classic-v0, draw 0: steps differs"),
        (b'"steps":24', b'"steps": 24', 1, "not in the canonical spelling"),
    ],
)
def test_another_record_than_the_published_is_told(played, old, new, code, says):
    told = entry(played) / "result.json"
    before = told.read_bytes()
    told.write_bytes(before.replace(old, new))
    try:
        words = said("evaluate", "second.zip", "--season", "tiny", "-o", "more", code=code)
    finally:
        told.write_bytes(before)
    assert says in words
    assert FOUND not in words


def test_the_plan_of_the_page_is_one():
    page = (Path(__file__).parents[2] / "docs" / "organise-a-season.md").read_text("utf-8")
    (plan,) = re.findall(r"^```toml\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    boards.check(read_toml("plan.toml", plan.encode(), season.Plan))
