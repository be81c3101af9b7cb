"""Folders of the user, and users without any."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from p2p_market import files
from p2p_market.commands.app import app
from p2p_market.data import sources
from p2p_market.errors import DataError, P2PMarketError
from p2p_market.files import expanded, user_cache


@pytest.fixture
def homeless(monkeypatch):
    """Neither `HOME` nor an entry in the list of users."""
    pwd = pytest.importorskip("pwd")

    def nobody(number):
        raise KeyError(number)

    for name in ("HOME", "XDG_CACHE_HOME", sources.CACHE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(files.sys, "platform", "linux")


def test_a_user_without_a_home_is_told_what_to_set(homeless):
    assert user_cache() is None
    with pytest.raises(DataError, match="set P2P_MARKET_DATA to a folder"):
        sources.cache_folder()
    for words in (["data", "list"], ["data", "fetch", "ca2017"]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 2
        assert "no home folder" in done.stderr
        assert len(done.stderr.splitlines()) == 1
    with pytest.raises(P2PMarketError, match="~/data: no home folder is known"):
        expanded("~/data")
    done = CliRunner().invoke(app, ["evaluate", "-p", "truthful", "-s", "~/mine.yaml"])
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)


def test_the_home_folder_stands_for_its_sign(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/a b") == f"{tmp_path}/a b"
    assert expanded("~") == str(tmp_path)
    assert expanded("--output=~/x=~y") == f"--output={tmp_path}/x=~y"
    for text in ("a~/b", "~a title", "seed=3", "-p", "", "x:~/y"):
        assert expanded(text) == text
    monkeypatch.setenv(sources.CACHE_VARIABLE, "~/data")
    assert sources.cache_folder() == tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    for words in (["--folder=~/other"], ["--folder", "~/other"]):
        done = CliRunner().invoke(app, ["data", "list", *words])
        assert done.stdout.replace("\n", "").endswith(f"cache: {tmp_path}/other")
    done = CliRunner().invoke(app, ["data", "list"])
    assert done.stdout.replace("\n", "").endswith(f"cache: {tmp_path}/data")


@pytest.mark.parametrize(
    ("platform", "variable", "value", "inside"),
    [
        ("linux", "XDG_CACHE_HOME", "~/caches", "home/caches"),
        ("linux", "HOME", "{home}", "home/.cache"),
        ("darwin", "HOME", "{home}", "home/Library/Caches"),
        ("win32", "LOCALAPPDATA", "{home}/local", "home/local"),
        ("win32", "HOME", "{home}", "home/AppData/Local"),
    ],
)
def test_caches_are_where_the_platform_has_them(
    platform, variable, value, inside, monkeypatch, tmp_path
):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv(variable, value.format(home=tmp_path / "home"))
    monkeypatch.setattr(files.sys, "platform", platform)
    monkeypatch.delenv(sources.CACHE_VARIABLE, raising=False)
    assert user_cache() == sources.cache_folder() == tmp_path / inside / "p2p-market"
    monkeypatch.setenv(sources.CACHE_VARIABLE, "/mine")
    assert sources.cache_folder() == Path("/mine")
