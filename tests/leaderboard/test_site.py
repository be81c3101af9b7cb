"""Pages of a season: the same bytes twice, small, and strangers' text stays text."""

import hashlib
import re
import threading
import urllib.error
import urllib.request
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("cryptography")

from leaderboard.site import build, pages, serve
from leaderboard.site.text import doi_link, link, markdown, shown
from p2p_market.errors import SiteError
from tests.leaderboard.site_content import entry, interval, row, site, week

FIRST_LOAD_BYTES = 300_000
ATTACKS = {
    "html": '<img src=x onerror="alert(1)"><svg onload=alert(1)>',
    "script": "</script><script>alert(1)</script>",
    "style": "</style><style>*{display:none}</style>",
    "attribute": "\" onmouseover=\"alert(1)\" x='y' onfocus='alert(1)",
    "address": "javascript:alert(1)",
    "template": "{{ 7 * 7 }}{% raw %}",
    "bidi": "evil\u202egpj.exe\u2066\u200f",
    "control": "a\x00b\x1b[31m\x7f\u2028",
    "piled": "z" + "\u0301" * 200,
    "long": "long" * 2500,
    "latex": "\\input{/etc/passwd}%\n}",
    "comment": "<!-- ]]> -->",
}
OURS = ("id", "division", "tier")  # fields whose values are checked before


def poisoned(value, attack):
    """The same record with the attack in every text that a stranger could have written."""
    if isinstance(value, str):
        return attack
    if isinstance(value, tuple):
        return tuple(poisoned(one, attack) for one in value)
    if is_dataclass(value):
        changed = {
            field.name: poisoned(getattr(value, field.name), attack)
            for field in fields(value)
            if field.name not in OURS
        }
        return replace(value, **changed)
    return value


class Outline(HTMLParser):
    """Tags, attributes and text of a page, as a browser takes them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.names, self.addresses, self.text = [], set(), [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.names |= {name for name, _ in attributes}
        self.addresses += [(value, dict(attributes)) for name, value in attributes
                           if name in ("href", "src")]  # fmt: skip

    def handle_data(self, data):
        self.text.append(data)


def test_a_season_with_public_draws_is_not_open():
    whole = site()
    before, after = (
        build.files(replace(whole, season=replace(whole.season, public=public)))["index.html"]
        for public in (False, True)
    )
    assert b"open since 2026-11-21" in before
    assert b"public draws, never ranked" in after
    assert b"open since" not in after


def one_entry(attack):
    """A season with one entry, with the attack in every field, and the same without."""
    good = row("mine", "1.0.0", "policy", "onnx", 50.0, "re-executed", 1, reasons=("why",))
    whole = replace(site(), rows=(good,), entries=(entry(good, week()),), pairs=(), exports=())
    bad = replace(
        whole,
        season=poisoned(whole.season, attack),
        rows=poisoned(whole.rows, attack),
        entries=poisoned(whole.entries, attack),
        cite=attack,
        rules=attack,
    )
    return whole, bad


def test_rebuilt_to_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        build.write(site(), tmp_path / name)
    build.write(site(), tmp_path / "first")
    found = [
        {path.relative_to(tmp_path / name): path.read_bytes()
         for path in (tmp_path / name).rglob("*") if path.is_file()}
        for name in ("first", "second")
    ]  # fmt: skip
    assert found[0] == found[1]
    sums = found[0].pop(next(path for path in found[0] if path.name == build.SUMS)).decode()
    listed = dict(line.split("  ")[::-1] for line in sums.splitlines())
    assert listed == {
        path.as_posix(): hashlib.sha256(data).hexdigest() for path, data in found[0].items()
    }


def test_small():
    sizes = {name: len(data) for name, data in build.files(site()).items()}
    assert max(sizes.values()) < FIRST_LOAD_BYTES


def test_what_an_earlier_build_left_goes_and_nothing_else(tmp_path):
    build.write(site(), tmp_path)
    less = site()
    gone = less.entries[-1].row.id
    kept = replace(
        less,
        rows=less.rows[:-1],
        entries=less.entries[:-1],
        pairs=tuple(pair for pair in less.pairs if gone not in (pair.first, pair.second)),
    )
    (tmp_path / "entries" / "notes.txt").write_text("mine")
    build.write(kept, tmp_path)
    assert not (tmp_path / "entries" / f"{gone}.html").exists()
    assert (tmp_path / "entries" / "notes.txt").exists()


def test_a_list_of_files_does_not_lead_out_of_the_folder(tmp_path):
    (tmp_path / "outside.html").write_text("mine")
    folder = tmp_path / "site"
    build.write(site(), folder)
    with (folder / build.SUMS).open("a") as file:
        file.write(f"{'0' * 64}  ../outside.html\n{'0' * 64}  entries/../../outside.html\n")
    build.write(site(), folder)
    assert (tmp_path / "outside.html").exists()


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(SiteError, match="name a new folder"):
        build.write(site(), tmp_path)


@pytest.mark.attack("C05")
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_hostile_text_stays_text(attack):
    good, bad = (build.files(one) for one in one_entry(attack))
    for name, data in bad.items():
        if not name.endswith(".html") or name == "rules.html":
            continue
        outline, clean = Outline(data.decode()), Outline(good[name].decode())
        assert set(outline.tags) <= set(clean.tags), name
        assert outline.names <= clean.names, name
        for address, _ in outline.addresses:
            assert re.match(r"(\.\./)?[a-z0-9./-]+$|#main$|data:,$|https://", address), address
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b\x7f]", data.decode())
    assert len(bad["index.html"]) < FIRST_LOAD_BYTES


def test_our_own_documents_may_hold_no_html():
    page = markdown("<script>alert(1)</script> [x](javascript:alert(1)) ![y](https://z.org/y.png)")
    assert Outline(page).tags == ["p"]
    page = markdown("[in](../x.md) [out](https://example.org)")
    assert [address for address, _ in Outline(page).addresses] == ["https://example.org"]


@pytest.mark.parametrize("docs", ["../../0.1.0/", "https://example.org/p2p/0.1.0/"])
def test_every_page_links_to_the_documentation(docs):
    rules = "[a](scenarios.md#of-one) [b](notebooks/sb3.ipynb) [c](../CITATION.cff)"
    for name, data in build.files(replace(site(), docs=docs, rules=rules)).items():
        if name.endswith(".html"):
            outside = docs if docs.startswith("h") else "../" * name.count("/") + docs
            assert f'<a href="{outside}index.html">Documentation</a>'.encode() in data
    page = markdown(rules, docs)
    found = [address for address, _ in Outline(page).addresses]
    assert found == [f"{docs}scenarios.html#of-one", f"{docs}notebooks/sb3.html"]
    assert b"Documentation</a>" not in build.files(site())["index.html"]


@pytest.mark.parametrize("docs", ["docs/", "javascript:x/", "http://a.org/", "../x", "../a b/"])
def test_other_addresses_of_the_documentation_are_refused(docs):
    with pytest.raises(SiteError, match="--docs"):
        build.files(replace(site(), docs=docs))


@pytest.mark.attack("C05")
@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "http://example.org", "https://a.org/\"onclick='x'", "https://a b",
     "//example.org", "https://a.org/\u202e", "data:text/html,x", "HTTPS://example.org"],
)  # fmt: skip
def test_only_plain_https_is_a_link(address):
    assert link(address) == address
    assert Outline(str(link("https://example.org/x"))).addresses[0][1]["rel"].startswith("nofollow")
    assert doi_link("10.1000/x<y>") == "10.1000/x<y>"


@pytest.mark.attack("C05")
def test_hidden_letters_are_shown():
    assert shown("a\u202eb\u200b\x00") == "a\\u{202e}b\\u{200b}\\u{0}"
    assert shown("Zoë, Łukasz, 李, محمد") == "Zoë, Łukasz, 李, محمد"
    assert shown("two\nlines") == "two\nlines"
    assert len(re.findall("\u0301", shown("e" + "\u0301" * 50))) == 3


def test_policy_allows_our_script_and_style_only():
    page = build.files(site())["index.html"].decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy == pages.content_policy()
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "*" not in policy
    assert len(re.findall(r"<script>", page)) == 1
    assert not re.search(r"\son\w+=|\sstyle=", page)


@pytest.mark.parametrize("bad", ["../x-1.0.0", "a/b", "A-1.0.0", "", "a..b", "x" * 90, "a\n"])
def test_ids_cannot_leave_the_folder(bad):
    one = row("mine", "1.0.0", "policy", "onnx", 50.0, "re-executed", 1)
    hostile = replace(one, id=bad)
    with pytest.raises(SiteError):
        build.files(replace(site(), rows=(hostile,), entries=(entry(hostile),), pairs=()))


def test_two_entries_of_one_id_are_refused():
    whole = site()
    with pytest.raises(SiteError, match="same id"):
        build.files(replace(whole, entries=(*whole.entries, whole.entries[0])))


def test_board_has_both_ends_and_the_reasons():
    page = build.files(site())["index.html"].decode()
    assert page.index("optimum = 100") < page.index("mappo-shared") < page.index("no-trade = 0")
    tables = page.split("<h2>")
    assert "home-made" not in tables[2]
    assert "heavy tail: mean 9.2 points below IQM" in tables[-1]
    assert "constant" not in page.replace("constant;", "")


def test_scores_far_below_stand_at_the_edge():
    from leaderboard.site.bars import bar, score_scale

    scale = score_scale([interval(-500.0), interval(20.0)])
    picture = str(bar(interval(-500.0), scale, (0.0, 100.0)))
    assert "<circle" not in picture
    assert "\N{MINUS SIGN}500.0" in picture


def test_serve_shows_the_pages_to_this_machine_only(tmp_path):
    build.write(site(), tmp_path)
    with serve.server(tmp_path, 0) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{running.server_port}"
        with urllib.request.urlopen(f"{address}/") as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert b"optimum = 100" in answer.read()
        for missing in ("/entries/", "/../secret", "/nothing.html"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(address + missing)
            caught.value.close()
        with pytest.raises(SiteError, match="another with --port"):
            serve.server(tmp_path, running.server_port)
        running.shutdown()
    with pytest.raises(SiteError, match="leaderboard build"):
        serve.server(tmp_path / "entries", 0)


def lightness(color):
    """Relative luminance; WCAG 2.2."""
    parts = [int(color[place : place + 2], 16) / 255.0 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_letters_stand_out(scheme):
    style = (pages.HERE / "site.css").read_text("utf-8")
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", style.split(":root")[scheme + 1]))
    for ground in ("paper", "shade"):
        for ink in ("ink", "soft", "accent", "second", "alarm", "good"):
            light, dark = sorted((lightness(colors[ink]), lightness(colors[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, ground)
