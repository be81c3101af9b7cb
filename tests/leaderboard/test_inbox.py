"""Packages that were handed in: worked on in order, killed, gone on with, shown as they stand."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import replace

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("jinja2")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from leaderboard.package import inbox
from leaderboard.playing.evaluate import evaluate
from leaderboard.record import entries
from leaderboard.site import build, serve
from leaderboard.verbs.working import work
from p2p_market.errors import SiteError, UsageError
from tests.leaderboard.packages import DRAFT, RULE, package
from tests.leaderboard.seasons import rule, without_times
from tests.leaderboard.site_content import row, site
from tests.leaderboard.test_verbs import run

pytestmark = pytest.mark.xdist_group("seasons")

ZIPS = {
    "late.zip": package(draft=DRAFT.replace("my-agent", "late-agent")),
    "bad.zip": b"no zip",
    "first.zip": package(),
    "again.zip": package({"policy.toml": RULE + b"# another\n"}),
}
ORDER = ("first.zip", "bad.zip", "again.zip", "late.zip")


@pytest.fixture
def folder(tmp_path):
    """An inbox with four packages, whose names are not in the order in which they came."""
    own = tmp_path / "inbox"
    own.mkdir()
    for name, data in ZIPS.items():
        (own / name).write_bytes(data)
        os.utime(own / name, ns=(0, 10**9 * (1 + ORDER.index(name))))
    (own / "notes.txt").write_text("no package")
    (own / "link.zip").symlink_to("first.zip")
    return own


def begin(season, folder, output, tell=lambda done, all_: None):
    """`work`; what it said."""
    said = []
    secret = season.folder.parent / "secret"
    said += work(folder, str(season.folder), secret, output, 1, None, tell, said.append)
    return said


def states(folder):
    return {one.file: one.state for one in inbox.submissions(folder)}


def test_all_are_worked_on_in_the_order_in_which_they_came(folder, tiny, tmp_path):
    assert states(folder) == dict.fromkeys(ORDER, "queued")
    during = []
    said = begin(tiny, folder, tmp_path / "out", lambda *_: during.append(states(folder)))
    assert [line.partition(":")[0] for line in said[:-1]] == list(ORDER)
    assert said[-1] == f"4 packages; records: {tmp_path / 'out'}"
    assert during[0] == {**dict.fromkeys(ORDER, "queued"), "first.zip": "evaluating"}
    first, bad, again, late = inbox.submissions(folder)
    assert (first.state, first.standing.done, first.standing.episodes) == ("evaluated", 3, 3)
    assert (bad.state, "zip" in bad.standing.reason) == ("refused", True)
    assert (again.state, "raise the version" in again.standing.reason) == ("refused", True)
    assert late.state == "evaluated"
    assert begin(tiny, folder, tmp_path / "out")[-1].startswith("0 packages")
    (folder / "bad.zip").write_bytes(b"another zip that is none")
    assert states(folder)["bad.zip"] == "queued"


def test_nothing_of_play_is_told(folder, tiny, tmp_path):
    begin(tiny, folder, tmp_path / "out")
    told = json.loads((folder / "first.zip.json").read_bytes())
    assert set(told) == {
        "state", "of", "season", "started_utc", "name", "version", "package", "done", "episodes",
        "reason",
    }  # fmt: skip


KILLED = """
import os, signal, sys
from pathlib import Path
from leaderboard.verbs.working import work

def tell(done, all_):
    if done == 1:
        os.kill(os.getpid(), signal.SIGKILL)

inbox, season, secret, output = map(Path, sys.argv[1:])
work(inbox, str(season), secret, output, 1, None, tell, print)
"""


def test_a_killed_worker_is_seen_and_the_next_goes_on(folder, tiny, tmp_path):
    for name in ORDER[1:]:
        (folder / name).unlink()
    paths = (folder, tiny.folder, tiny.folder.parent / "secret", tmp_path / "out")
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, paths)], check=False)
    assert done.returncode == -signal.SIGKILL
    (one,) = inbox.submissions(folder)
    assert (one.state, one.standing.done, one.standing.episodes) == ("interrupted", 1, 3)
    told = []
    begin(tiny, folder, tmp_path / "out", lambda *counts: told.append(counts))
    assert told == [(1, 3), (2, 3), (3, 3)]  # the first episode was kept
    assert states(folder) == {"first.zip": "evaluated"}
    whole = evaluate(rule(tiny), tiny, tmp_path / "whole")
    assert without_times(entries.read(tmp_path / "out" / "my-agent-0.1.0")) == without_times(whole)


def test_who_has_a_package_has_it_alone(folder, tiny, tmp_path):
    with inbox.held(folder / "first.zip") as mine:
        assert mine
        inbox.write(folder / "first.zip", inbox.begun(folder / "first.zip", "tiny"))
        assert states(folder)["first.zip"] == "gate"
        with inbox.held(folder / "first.zip") as others:
            assert not others
    assert states(folder)["first.zip"] == "interrupted"
    (folder / "first.zip.json").write_text("{")
    assert states(folder)["first.zip"] == "queued"
    with pytest.raises(UsageError, match="make it and put the zips"):
        begin(tiny, tmp_path / "nowhere", tmp_path)


def test_the_commands_from_the_inbox_to_the_page(folder, tiny, tmp_path):
    given = ("--season", tiny.folder, "--secret-file", tiny.folder.parent / "secret")
    code, said = run("work", folder, *given, "-o", tmp_path / "out", "-w", 1)
    assert (code, "bad.zip: refused: " in said) == (0, True), said
    shown = ("--entries", tmp_path / "out", "--inbox", folder, "-o", tmp_path / "site")
    code, said = run("build", tiny.folder, *shown)
    assert (code, "serve" in said, "--inbox" in said) == (0, True, True), said
    page = (tmp_path / "site" / "progress.html").read_text("utf-8")
    assert page.count("on the board, not ranked") == 2
    assert page.count(">refused<") == 2
    code, said = run("work", tmp_path / "nowhere", *given)
    assert (code, "make it and put the zips" in said) == (2, True)


@contextmanager
def served(contents, folder, inbox_):
    build.write(contents, folder)
    with serve.server(folder, 0, inbox_) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def got(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read().decode(), answer.headers


def test_the_page_shows_packages_as_they_stand(folder, tmp_path):
    mine = row("my-agent", "0.1.0", "policy", "rules", 50.0, "re-executed", 1)
    whole = site()
    board = f'"rank_low","rank_high","package"\n"1","2","{"ab" * 32}"\n'.encode()
    record = json.dumps({"entry": {"package": "ab" * 32}}).encode()
    shown = replace(
        whole,
        rows=(mine,),
        entries=(replace(whole.entries[0], row=mine, record=record),),
        pairs=(),
        exports=(("board.csv", board),),
    )
    first = folder / "first.zip"
    standing = inbox.begun(first, "tiny").model_copy(
        update={"name": "my-agent", "version": "0.1.0", "package": "ab" * 32, "episodes": 24}
    )
    with served(shown, tmp_path / "site", folder) as address, inbox.held(first):
        inbox.write(first, standing.model_copy(update={"state": "evaluating", "done": 7}))
        bad = inbox.begun(folder / "bad.zip", "tiny")
        inbox.write(folder / "bad.zip", inbox.refused(bad, "no <manifest>\u202e"))
        page, headers = got(f"{address}/progress.html")
        assert headers["Refresh"] == "10"
        assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        for told in ("evaluating", "7 of 24", "my-agent 0.1.0", "no &lt;manifest&gt;", "queued"):
            assert told in page
        assert page.index("first.zip") < page.index("bad.zip") < page.index("late.zip")
        assert "ranked" not in page
        inbox.write(first, standing.model_copy(update={"state": "evaluated", "done": 24}))
        page, _ = got(f"{address}/progress.html?again")
        assert "ranked 1 to 2" in page
        assert 'href="entries/my-agent-0.1.0.html"' in page
        other = {"state": "evaluated", "done": 24, "package": "cd" * 32}
        inbox.write(first, standing.model_copy(update=other))
        page, _ = got(f"{address}/progress.html")
        assert ("ranked" in page, ">evaluated<" in page) == (False, True)
        assert '<a href="progress.html">In progress</a>' in got(address)[0]
        folder.rename(tmp_path / "away")
        with pytest.raises(urllib.error.HTTPError, match="503"):
            got(f"{address}/progress.html")
    build.write(replace(shown, submissions=None), tmp_path / "site")
    assert not (tmp_path / "site" / "progress.html").exists()
    with pytest.raises(SiteError, match="build it with --inbox"):
        serve.server(tmp_path / "site", 0, folder)
