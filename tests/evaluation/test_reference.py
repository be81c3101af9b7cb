"""The published ends of the scale: complete, proved without a solver, of no other episode."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands import reference as references
from p2p_market.commands.app import app
from p2p_market.commands.reference import RowTask, make_row
from p2p_market.community.episode.episode import draw
from p2p_market.community.optimum.digest import digest_of
from p2p_market.data.calendar import WEEKS_PER_SPLIT
from p2p_market.evaluation.ends import reference
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import FOLDER, entries, published
from p2p_market.registry import load_scenario
from p2p_market.track import OPTIMUM
from tests.every_scenario import COMMUNITY


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The table of one scenario in a folder of its own, as the command reads it."""
    for suffix in ("json", "npz"):
        shutil.copy(FOLDER / f"classic-v0.{suffix}", tmp_path)
    monkeypatch.setattr(references, "entries", lambda s, folder=tmp_path: entries(s, folder))
    monkeypatch.setattr(references, "published", lambda s, e: published(s, e, tmp_path))
    return tmp_path


def change(folder, edit):
    path = folder / "classic-v0.json"
    table = json.loads(path.read_text())
    edit(table["episodes"][3])
    path.write_text(json.dumps(table))
    reference._table.cache_clear()


@pytest.mark.parametrize("name", COMMUNITY)
def test_every_test_episode_is_published_with_its_certificate(name):
    scenario = load_scenario(name)
    table = entries(scenario)
    assert len(table) == WEEKS_PER_SPLIT, "p2p-market reference --build makes the table anew"
    assert all(entry.holds for entry in table)
    rule, plan, alone = (
        np.array([value(entry) for entry in table])
        for value in (
            lambda e: e.rule_eur,
            lambda e: e.plan_eur,
            lambda e: sum(e.individual_eur),
        )
    )
    assert np.all(plan < rule)
    if scenario.spec.feeder.mode == "penalty" and name != "outage-v0":
        assert np.all(plan <= alone + 1e-6)  # neighbours never make it dearer
    if scenario.spec.optimum == "linear":
        for entry in table:
            assert abs(entry.second_solver_eur - entry.bound_eur) <= entry.tolerance_eur
    entry = table[-1]
    assert digest_of(scenario, draw(scenario, entry.key)) == entry.episode


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("classic-v0", "outage-v0") else pytest.mark.slow)
        for name in COMMUNITY
    ],
)
def test_published_schedules_are_certified_again(name):
    scenario = load_scenario(name)
    for entry in entries(scenario)[:: 1 if name not in ("classic-v0", "outage-v0") else 6]:
        episode = draw(scenario, entry.key)
        plan = published(scenario, episode)
        certificate, played = certify(scenario, episode, plan, OPTIMUM)
        assert certificate.holds, certificate
        assert played.digests[0] == entry.optimum_digest


def test_another_episode_or_version_is_not_in_the_table(copied):
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, entries(scenario)[0].key)
    assert published(scenario, episode) is not None
    assert published(scenario, replace(episode, load_kw=episode.load_kw + 0.001)) is None
    assert published(replace(scenario, digest="another"), episode) is None
    (copied / "classic-v0.npz").write_bytes(b"PK nothing")
    assert published(scenario, episode, copied) is None


def test_the_table_is_shown_and_verified(copied):
    shown = CliRunner().invoke(app, ["reference", "-s", "classic-v0"])
    assert shown.exit_code == 0, shown.output
    assert "13/13" in shown.output


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda e: e.update(bound_eur=e["bound_eur"] - 0.1), "bound proved by the prices differs"),
        (lambda e: e.update(plan_eur=e["plan_eur"] - 0.1), "certificate fails"),
        (lambda e: e.update(rule_eur=e["rule_eur"] + 1e-9), "cost of the rule differs"),
        (lambda e: e.update(rule_digest="0" * 64), "rule plays differently"),
        (lambda e: e.update(optimum_digest="0" * 64), "schedule plays differently"),
        (lambda e: e.update(episode="0" * 64), "draw of the episode differs"),
    ],
)
def test_a_forged_table_is_found_out(copied, edit, complaint):
    change(copied, edit)
    shown = CliRunner().invoke(app, ["reference", "-s", "classic-v0"])
    assert shown.exit_code == 1
    assert complaint in " ".join(shown.output.split())
    assert "start_day=105" in " ".join(shown.output.split())


def test_solved_anew_it_is_the_same_and_goes_on_where_it_stopped(copied, tmp_path):
    change(copied, lambda e: e.update(plan_eur=e["plan_eur"] + 0.1, tolerance_eur=0.01))
    arguments = ["reference", "-s", "classic-v0", "--check", "-o", str(tmp_path / "out")]
    checked = CliRunner().invoke(app, arguments)
    assert checked.exit_code == 1
    assert "solved again" in checked.output
    rows = list((tmp_path / "out").rglob("classic-v0.json"))
    assert len(rows) == WEEKS_PER_SPLIT
    (row,) = [path for path in rows if path.parent.name == "week-0"]
    before = row.stat().st_mtime_ns
    entry, _ = make_row(RowTask(0, "classic-v0", 0, row.parent), lambda *_: None)
    assert row.stat().st_mtime_ns == before
    assert entry.rule_digest == entries(load_scenario("classic-v0"))[0].rule_digest


def test_scoring_needs_no_solver(tmp_path):
    """The core installation scores: nothing of cvxpy or HiGHS is imported."""
    code = f"""
import sys
sys.modules["cvxpy"] = sys.modules["highspy"] = None
from p2p_market.commands.app import app
from tests.every_scenario import COMMUNITY
app(["evaluate", "-p", "truthful", "-s", "classic-v0", "--weeks", "5,6", "-w", "1",
     "-o", {str(tmp_path)!r}], standalone_mode=False)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "holds in 2 of 2 weeks" in " ".join(done.stdout.split())
    without = code.replace('"5,6"', '"5,6", "--split", "validation"')
    done = subprocess.run(
        [sys.executable, "-c", without], capture_output=True, text=True, check=False
    )
    assert "planners and networks need" in " ".join(done.stderr.split())
