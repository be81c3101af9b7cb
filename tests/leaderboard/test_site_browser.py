"""The pages in a real browser: light, dark, phone; clicks work, nothing complains or leaves."""

import threading

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("cryptography")

from leaderboard.package import inbox
from leaderboard.site import build, serve
from tests.leaderboard import browser
from tests.leaderboard.site_content import site
from tests.leaderboard.test_site import ATTACKS, one_entry

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(browser.CHROMIUM is None, reason="needs /usr/bin/chromium"),
]
LOOKS = {
    "light": ("light", 1280, 900, False),
    "dark": ("dark", 1280, 900, False),
    "phone": ("dark", 390, 844, True),
}
ROWS = "Array.from(document.querySelectorAll('{}')).filter(row => !row.hidden)"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    one = browser.Browser(tmp_path_factory.mktemp("profile"))
    yield one
    one.close()


@pytest.fixture
def served(tmp_path, chromium):
    """Serves a site; afterwards nothing has complained, and nothing else was asked for."""
    chromium.requests.clear()
    chromium.complaints.clear()
    servers = []

    def start(contents, **more):
        build.write(contents, tmp_path / "site")
        servers.append(serve.server(tmp_path / "site", 0, **more))
        threading.Thread(target=servers[0].serve_forever, daemon=True).start()
        return f"http://{serve.HOST}:{servers[0].server_port}/"

    yield start
    address = f"http://{serve.HOST}:{servers[0].server_port}/"
    servers[0].shutdown()
    servers[0].server_close()
    assert chromium.complaints == []
    asked = [one for one in chromium.requests if not one.startswith("data:")]
    assert asked
    assert [one for one in asked if not one.startswith(address)] == []


def shown(chromium, selector, of="row.cells[0].dataset.value"):
    return chromium.run(f"{ROWS.format(selector)}.map(row => {of})")


def choose(chromium, name, value):
    chromium.run(
        f"(() => {{ const one = document.querySelector('select[data-filter={name}]');"
        f"one.value = '{value}'; one.dispatchEvent(new Event('change')); }})()"
    )


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_sort_filter_compare(look, chromium, served):
    chromium.look(*look)
    chromium.open(served(site()))
    table = "section:first-of-type tbody tr"
    by_score = shown(chromium, table)
    assert by_score[0] == "optimum = 100"
    heading = "section:first-of-type th:nth-child(3) button"
    chromium.click(heading)
    assert shown(chromium, table) == by_score
    chromium.click(heading)
    assert shown(chromium, table) == by_score[::-1]
    chromium.click("section:first-of-type th:first-child button")
    assert shown(chromium, table) == sorted(by_score)
    choose(chromium, "kind", "rules")
    left = shown(chromium, table)
    assert "careful-hub 0.3.1" in left
    assert "mappo-shared 1.0.0" not in left
    assert {"no-trade = 0", "optimum = 100", "mpc 1.0.0"} <= set(left)
    choose(chromium, "kind", "")
    for name in ("mappo-shared-1.0.0", "ippo-shared-1.0.0"):
        chromium.click(f"tr[data-id='{name}'] input")
    assert chromium.run("document.getElementById('go').textContent") == "Compare 2 entries"
    chromium.follow("#go")
    assert sorted(shown(chromium, "tr[data-entry]", "row.dataset.entry")) == [
        "ippo-shared-1.0.0", "mappo-shared-1.0.0",
    ]  # fmt: skip
    assert len(shown(chromium, "tr[data-first]")) == 1
    chromium.click("#picks input[value='mpc-1.0.0']")
    assert len(shown(chromium, "tr[data-first]")) == 3


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_week_is_read_step_by_step(look, chromium, served):
    chromium.look(*look)
    chromium.open(served(site()) + "entries/mappo-shared-1.0.0.html")
    before = chromium.run("document.getElementById('reading').textContent")
    assert before.startswith("Tue 00:00")
    chromium.click("#step")
    after = chromium.run("document.getElementById('reading').textContent")
    assert after.startswith("Fri 1")
    assert "clearing price (EUR/kWh) 0." in after


def test_no_page_is_wider_than_a_phone(chromium, served):
    chromium.look(*LOOKS["phone"])
    address = served(site())
    for name in build.files(site()):
        if name.endswith(".html"):
            chromium.open(address + name)
            assert chromium.run("document.documentElement.scrollWidth") <= 390, name


def until(chromium, expression, wanted):
    """Nobody clicks: the page loads itself again until it says this."""
    for _ in range(20):
        if (found := chromium.run(expression)) == wanted:
            return
        chromium.again()
    raise AssertionError((found, wanted))


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_packages_are_followed_without_a_click(look, chromium, served, tmp_path):
    (tmp_path / "inbox").mkdir()
    path = tmp_path / "inbox" / "mine.zip"
    path.write_bytes(b"a zip")
    chromium.look(*look)
    chromium.open(served(site(), inbox=path.parent, again_s=1) + "progress.html")
    state = "document.querySelector('td.state')?.innerText.split(/\\s+/).join(' ')"
    until(chromium, state, "queued")
    with inbox.held(path):
        known = {"state": "evaluating", "name": "my-agent", "version": "0.1.0", "episodes": 24}
        standing = inbox.begun(path, "tiny").model_copy(update=known)
        for done in (7, 8):
            inbox.write(path, standing.model_copy(update={"done": done}))
            until(chromium, "document.querySelector('progress')?.value", done)
            until(chromium, state, "evaluating")
    until(chromium, state, "interrupted goes on with the next work")
    inbox.write(path, inbox.refused(standing, "no manifest"))
    until(chromium, state, "refused no manifest")
    assert chromium.run("document.documentElement.scrollWidth") <= look[1]
    chromium.open("data:text/html,")  # which does not load itself again


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_hostile_text_does_nothing(attack, chromium, served):
    chromium.look(*LOOKS["phone"])
    _, bad = one_entry(attack)
    address = served(bad)
    for name in (
        "", "entries/mine-1.0.0.html", "compare.html", "rules.html", "cite.html", "progress.html",
    ):  # fmt: skip
        chromium.open(address + name)
        assert chromium.run("document.querySelectorAll('img, iframe, object').length") == 0
        assert chromium.run("document.scripts.length") <= 2
        assert chromium.run("document.documentElement.scrollWidth") <= 390, name
