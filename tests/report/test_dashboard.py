"""The dashboard: every view in process, the command's refusals, and all of it in a browser."""

import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.commands.dashboard import FLAGS
from p2p_market.commands.run import run
from p2p_market.errors import UsageError
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.replayed import replayed_play
from report.wholesale import DASHBOARD
from tests.leaderboard.browser import CHROMIUM, Browser

testing = pytest.importorskip("streamlit.testing.v1", reason="needs the extra dashboard")

SCENARIO = "auction-example-v0"
PORT = 8599
PLOTS = "document.querySelectorAll('.js-plotly-plot .main-svg').length"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of one step."""
    place = tmp_path_factory.mktemp("results")
    run([SCENARIO], ["ladder"], "0", "test", 0, place, 1, None)
    (made,) = place.iterdir()
    return made


def opened(monkeypatch, *given):
    """The page with its arguments, run once."""
    monkeypatch.setattr(sys, "argv", [DASHBOARD, *given])
    page = testing.AppTest.from_file(DASHBOARD, default_timeout=120)
    page.run()
    assert not page.exception, page.exception
    return page


def test_a_scenario_is_played_and_shown(monkeypatch):
    page = opened(monkeypatch, "play", "wholesale-12-v0", "default", "2", "0")
    names = [tab.label for tab in page.tabs]
    assert names == [
        "Grid overview", "Market information", "Agent performance", "System charts",
        "Environmental metrics", "Communication network",
    ]  # fmt: skip
    assert len(page.get("plotly_chart")) == 6
    page.slider(key="step").set_value(23).run()
    assert "day 1, 01:55" in page.markdown[0].value
    told = len(page.dataframe[0].value)
    page.toggle(key="hour").set_value(True).run()
    assert len(page.dataframe[0].value) > 10 * told
    page.multiselect(key="kinds").set_value(["STATUS_UPDATE"]).run()
    assert set(page.dataframe[0].value["kind"]) == {"STATUS_UPDATE"}
    page.toggle(key="compare").set_value(True).run()
    assert not page.exception


def test_a_live_play_goes_on_with_every_refresh(monkeypatch):
    page = opened(monkeypatch, "live", "wholesale-12-v0", "default", "0.5", "0")
    assert page.session_state["playing"].done == 1
    page.slider(key="pace").set_value(3).run()
    assert page.session_state["playing"].done == 4
    page.toggle(key="pause").set_value(True).run()
    assert page.session_state["playing"].done == 4
    page.toggle(key="pause").set_value(False).run()
    assert page.session_state["playing"].done == 6
    assert "the end" in page.markdown[0].value


def test_a_recorded_play_is_shown(folder, monkeypatch):
    page = opened(monkeypatch, "run", str(folder), SCENARIO, "ladder")
    assert len(page.get("plotly_chart")) == 6
    digest = replayed_play(folder, SCENARIO, "ladder").played.digests[0]
    assert digest[:12] in page.caption[0].value


def test_what_is_replayed_is_what_was_recorded(folder):
    (entry,) = read_run(folder)["scenarios"]
    for policy in entry["policies"]:
        found = replayed_play(folder, SCENARIO, policy["policy"])
        assert list(found.played.digests) == policy["digests"]
    with pytest.raises(UsageError, match="no policy 'nobody' in this run; there is default"):
        replayed_play(folder, SCENARIO, "nobody")
    with pytest.raises(UsageError, match="no scenario 'classic-v0' in this run"):
        replayed_play(folder, "classic-v0", "ladder")


def test_the_report_leads_to_the_six_views(folder):
    name = f"views-{SCENARIO}.html"
    assert f'href="{name}"' in (folder / "report.html").read_text(encoding="utf-8")
    page = (folder / name).read_text(encoding="utf-8")
    assert page.count('class="plotly-graph-div"') == 6
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["classic-v0"], "the track 'community' has no dashboard"),
        (["wholesale-13-v0"], "wholesale-13-v0"),
        (["{folder}", "--live"], "a recorded run is over"),
        (["{folder}", "-s", "classic-v0"], "no scenario 'classic-v0' in this run"),
        (["{folder}", "-p", "nobody"], "no policy 'nobody' played"),
        (["{folder}/actions"], "not a run record"),
        (["wholesale-12-v0", "-p", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_shown_is_refused(given, told, folder):
    words = [one.replace("{folder}", str(folder)) for one in given]
    result = CliRunner().invoke(app, ["dashboard", *words])
    assert result.exit_code != 0
    assert told in " ".join(result.output.split())


def test_nothing_is_sent_anywhere():
    assert {"--browser.gatherUsageStats=false", "--server.address=127.0.0.1"} <= set(FLAGS)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
def test_six_views_draw_in_a_browser(tmp_path):
    command = [sys.executable, "-m", "p2p_market", "dashboard", "wholesale-12-v0", "--hours", "2"]
    with subprocess.Popen([*command, f"--port={PORT}"], stdout=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{PORT}/_stcore/health")
            browser = Browser(tmp_path)
            browser("Page.navigate", url=f"http://127.0.0.1:{PORT}")
            drawn, until = 0, time.monotonic() + 120.0
            while drawn < 6 and time.monotonic() < until:
                time.sleep(0.5)
                drawn = browser("Runtime.evaluate", expression=PLOTS)["result"]["value"]
            assert drawn >= 6
            asked = [url for url in browser.requests if not url.startswith(("data:", "blob:"))]
            assert asked
            assert all(f"//127.0.0.1:{PORT}" in url for url in asked), asked
            assert not browser.complaints
            browser.close()
        finally:
            server.terminate()
            subprocess.run(["pkill", "-f", f"server.port={PORT}"], check=False)


def _wait_for(url):
    until = time.monotonic() + 120.0
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    raise AssertionError(f"{url} does not answer")
