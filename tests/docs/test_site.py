"""The documentation as a site: it builds without a warning, and what it links to is there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.site import pages
from tools.site.versions import found, redirect

pytest.importorskip("myst_nb")
pytest.importorskip("furo")

ROOT = Path(__file__).resolve().parent.parent.parent
LINK = re.compile(r'(?:href|src)="(?!https?:|data:|mailto:|#)([^"#?]+)')
OUTSIDE = re.compile(r'href="(?!data:|mailto:)([a-z]+:[^"]*)"')
DOORS = ["train-your-first-agent", "leaderboard", "cite", "write-your-own-scenario"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "tools.site", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (version,) = json.loads((folder / "versions.json").read_text("utf-8"))
    return folder / version


@pytest.mark.xdist_group("site")
def test_every_link_of_the_site_leads_somewhere(site):
    lost = {
        f"{page.relative_to(site.parent)}: {path}"
        for page in site.parent.rglob("*.html")
        for path in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / path).exists()
    }
    assert lost == set()


@pytest.mark.xdist_group("site")
def test_links_to_the_outside_are_plain_https(site):
    found = {
        address
        for page in site.parent.rglob("*.html")
        for address in OUTSIDE.findall(page.read_text("utf-8"))
    }
    assert "https://doi.org/10.1137/1013001" in found
    plain = re.compile(r"https://[a-z0-9.-]+\.[a-z]+(/[\w./#%~-]*)?")
    assert {one for one in found if not plain.fullmatch(one)} == set()


@pytest.mark.xdist_group("site")
@pytest.mark.parametrize("name", DOORS)
def test_the_first_page_leads_to_train_submit_cite_extend(site, name):
    assert f'href="{name}.html"' in (site / "README.html").read_text("utf-8")


@pytest.mark.xdist_group("site")
def test_board_and_pages_lead_to_each_other(site):
    board = site.parent / "leaderboard" / "season-0" / "index.html"
    for page, there in ((site / "api" / "errors.html", board), (board, site / "index.html")):
        assert os.path.relpath(there, page.parent) in LINK.findall(page.read_text("utf-8"))


@pytest.mark.xdist_group("site")
def test_rules_of_a_board_lead_to_places_of_pages(site):
    rules = site.parent / "leaderboard" / "season-0" / "rules.html"
    places = re.findall(r'href="(\.\./[^"#]+)#([^"]+)"', rules.read_text("utf-8"))
    assert len(places) > 2
    lost = {
        (path, place)
        for path, place in places
        if f'id="{place}"' not in (rules.parent / path).read_text("utf-8")
    }
    assert lost == set()


@pytest.mark.xdist_group("site")
def test_notebooks_show_what_they_printed_and_drew(site):
    for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"):
        page = (site / "notebooks" / f"{path.stem}.html").read_text("utf-8")
        assert re.search(r'<img[^>]* src="\.\./_images/[^"]+\.png"', page), path.stem
        if "no faulty step" in path.read_text("utf-8"):  # of a trained policy
            assert "4 episodes, no faulty step" in page, path.stem


@pytest.mark.xdist_group("site")
def test_the_reference_has_units_and_schemas(site):
    contract = (site / "api" / "contract-of-a-track.html").read_text("utf-8")
    assert "entries_eur" in contract
    assert "positive = paid" in contract  # stands as a comment beside the field
    assert 'id="p2p_market.records.Outcome"' in contract
    assert 'id="p2p_market.records.Outcome.entries_eur"' not in contract  # once is enough
    assert "capacity_mwh" in (site / "api" / "schemas-of-files.html").read_text("utf-8")


def test_a_link_that_leads_nowhere_is_seen(tmp_path, monkeypatch):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "README.md").write_text("# A\n\n[there](../nowhere.md)\n", encoding="utf-8")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "DOCS", docs)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        pages.gather(tmp_path / "pages")


def test_versions_stand_beside_each_other_the_newest_first(tmp_path):
    for name in ("0.9.0", "0.10.0", "0.2.1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").touch()
    assert found(tmp_path) == ["0.10.0", "0.9.0", "0.2.1"]
    assert b"url=0.10.0/index.html" in redirect(tmp_path)
