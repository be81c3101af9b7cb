"""The pages of a season that was really played: numbers, week, and no draw told too early."""

import json
import re

import pytest

pytest.importorskip("cvxpy")
pytest.importorskip("jinja2")
pytest.importorskip("onnxruntime")
pytest.importorskip("cryptography")
pytest.importorskip("safetensors")

from typer.testing import CliRunner

from leaderboard.playing.candidate import of_baseline
from leaderboard.playing.evaluate import evaluate
from leaderboard.season import season as seasons
from leaderboard.site.build import files
from leaderboard.site.gather import gather
from p2p_market.commands.app import app
from tests.leaderboard.seasons import SECRET, opened, rule

pytestmark = pytest.mark.xdist_group("seasons")


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """A season with a rule of a stranger and a reference, its secret not revealed."""
    one = opened(tmp_path_factory.mktemp("seasons"))
    for candidate in (rule(one), of_baseline("truthful")):
        evaluate(candidate, one, one.folder / "entries")
    return one


def test_before_the_reveal_no_week_is_shown(season):
    pages = files(gather(seasons.read(season.folder)))
    assert b"once the season's secret is revealed" in pages["entries/my-agent-0.1.0.html"]
    assert not any(SECRET.hex().encode() in data for data in pages.values())
    assert not any(b'id="week"' in data for data in pages.values())


def test_pages_of_a_season(season, tmp_path):
    (season.folder / seasons.SECRET).write_text(SECRET.hex())
    found = []
    for name in ("first", "second"):
        arguments = ["leaderboard", "build", str(season.folder), "-o"]
        done = CliRunner().invoke(app, [*arguments, str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")})
    (season.folder / seasons.SECRET).unlink()
    assert found[0] == found[1]
    result = json.loads(found[0]["my-agent-0.1.0.json"])
    (page,) = (data for name, data in found[0].items() if name == "my-agent-0.1.0.html")
    assert result["entry"]["package"] in page.decode()
    week = json.loads(re.search(r'id="week">(.*?)</script>', page.decode())[1])
    assert week["steps_per_day"] == len(week["curves"][0]["values"])
    assert "self-reported" in found[0]["index.html"].decode()
