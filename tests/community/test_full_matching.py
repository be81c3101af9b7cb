"""The 100 of the scale is that of every mechanism: what one leaves unmatched is allocation gap."""

from functools import cache

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.optimum.digest import digest_of
from p2p_market.community.optimum.full_matching import FULL_MATCHING
from p2p_market.community.scenario.scenario import build
from p2p_market.evaluation import benchmark
from p2p_market.evaluation.benchmark import ScenarioResult, evaluate
from p2p_market.evaluation.ends.reference import entries, published
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay, write_run
from p2p_market.market import MECHANISMS, Mechanism
from p2p_market.market.book import Fills, OrderBook
from p2p_market.registry import load_scenario

pytestmark = pytest.mark.xdist_group("full matching")  # episodes are played once for all of them

PLAYERS = {
    "binding-feeder-v0": ("truthful",),
    "classic-v0": ("truthful", "zero-intelligence"),
    "outage-v0": ("truthful", "zero-intelligence"),
    "resale-6-v0": ("truthful", "storage-value"),
}
"""Shipped scenarios, each with what is quick there."""


def scarcely(book: OrderBook) -> Fills:
    """A stranger's rule: a hundredth of what the k-double auction matches."""
    fills = MECHANISMS[FULL_MATCHING].clear(book)
    return Fills(0.01 * fills.power_kw, 0.01 * fills.payment_eur, fills.clearing_price_eur_per_kwh)


def never(book: OrderBook) -> Fills:
    nothing = np.zeros_like(book.quantity_kw)
    return Fills(nothing, nothing, np.full(len(nothing), np.nan))


STRANGE = {
    clear.__name__: Mechanism(clear, True, "strong", True, False) for clear in (scarcely, never)
}


@pytest.fixture(autouse=True)
def _without_solver(monkeypatch):
    """Every optimum is out of the reference table; two mechanisms more than those shipped."""

    def fail(scenario):
        raise AssertionError(f"{scenario.spec.id} needs a solver")

    monkeypatch.setattr(benchmark, "_solver", fail)
    for name, mechanism in STRANGE.items():
        monkeypatch.setitem(MECHANISMS, name, mechanism)


@cache
def played(name: str, mechanism: str) -> ScenarioResult:
    spec = load_scenario(name).spec.model_copy(update={"mechanism": mechanism})
    return evaluate(build(spec), PLAYERS[name], weeks=[6])


@pytest.mark.compiled
@pytest.mark.parametrize("name", PLAYERS)
@pytest.mark.parametrize("mechanism", [*MECHANISMS, *STRANGE])
def test_nothing_is_above_100_and_no_gap_below_0(name, mechanism):
    result = played(name, mechanism)
    (certificate,) = result.certificates
    assert certificate.holds, certificate
    assert result.above_optimum == []
    for row in result.rows:
        assert row.score.point <= 100.0
        assert row.gaps_eur["dispatch"][0] >= -certificate.tolerance_eur, row.policy
        assert row.gaps_eur["allocation"][0] >= -certificate.tolerance_eur, row.policy


@pytest.mark.compiled
@pytest.mark.parametrize("name", PLAYERS)
def test_both_ends_are_those_of_the_reference_table(name):
    entry = entries(load_scenario(name))[6]
    for mechanism in (*MECHANISMS, *STRANGE):
        rule, *_, best = played(name, mechanism).rows
        assert (rule.social_cost_eur[0], best.social_cost_eur[0]) == (
            entry.rule_eur,
            entry.replay_eur,
        )
        optimum = played(name, mechanism).trajectories[best.policy]
        assert optimum.digests[0] == entry.optimum_digest


@pytest.mark.compiled
def test_what_a_mechanism_leaves_unmatched_is_allocation():
    """Truthful members run the same devices under every mechanism that does not tell on prices."""
    name = "classic-v0"
    costs = {}
    for mechanism in (*MECHANISMS, *STRANGE):
        row = next(row for row in played(name, mechanism).rows if row.policy == "truthful")
        costs[mechanism] = (
            row.gaps_eur["dispatch"][0],
            row.gaps_eur["allocation"][0],
            row.score.point,
        )
    assert np.ptp([dispatch for dispatch, _, _ in costs.values()]) == pytest.approx(0.0, abs=1e-6)
    assert costs[FULL_MATCHING][1] == pytest.approx(0.0, abs=1e-3)
    assert costs["mcafee"][1] > 100.0
    assert costs["never"][1] > costs["scarcely"][1] > costs["mcafee"][1]
    assert costs["never"][2] == pytest.approx(0.0, abs=1e-6)


def variant(tmp_path, base: str, text: str):
    path = tmp_path / "mine.yaml"
    head = f"extends: {base}\nid: mine-v0\ntitle: t\ndescription: d\n"
    path.write_text(head + text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("mechanism: mcafee", True),
        ("mechanism: never", True),
        ("mechanism: mcafee\nreward: {carbon_weight: 0.5}", False),
        ("mechanism: mcafee\ndays: 3", False),
    ],
)
def test_a_file_with_another_mechanism_has_the_published_optima(tmp_path, text, found):
    scenario = load_scenario(variant(tmp_path, "classic-v0", text))
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    plan = published(scenario, episode)
    assert (plan is not None) == found
    if found:
        assert plan.objective_eur == entries(load_scenario("classic-v0"))[6].plan_eur


def test_a_stored_optimum_is_that_of_every_mechanism():
    spec = load_scenario("classic-v0").spec
    episode = draw(load_scenario("classic-v0"), choose_key(load_scenario("classic-v0"), 0))
    digests = {
        digest_of(build(spec.model_copy(update={"mechanism": name})), episode)
        for name in MECHANISMS
    }
    assert len(digests) == 1
    fewer = build(spec.model_copy(update={"mechanism": "mcafee", "carbon_eur_per_kg": 0.01}))
    assert digest_of(fewer, episode) not in digests


@pytest.mark.compiled
def test_on_the_command_line_mcafee_is_scored_and_replays(tmp_path):
    path = variant(tmp_path, "classic-v0", "mechanism: mcafee")
    arguments = ["evaluate", "-s", str(path), "-p", "truthful", "--weeks", "5,6", "-w", "1"]
    done = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    words = done.output.split()
    assert "411.91" in words
    assert "803.22" in words
    assert "holds in 2 of 2 weeks" in " ".join(words)
    (run,) = (tmp_path / "out").glob("*-mine-v0")
    again = CliRunner().invoke(app, ["replay", str(run)])
    assert again.exit_code == 0, again.output


@pytest.mark.compiled
@pytest.mark.parametrize("mechanism", ["mid_market_rate", "never"])
def test_a_recorded_optimum_is_replayed_in_its_own_market(tmp_path, mechanism):
    write_run([played("outage-v0", mechanism)], tmp_path, "2018-01-01T00:00:00+00:00")
    record = read_run(tmp_path)
    assert replay(tmp_path, record) == []
    record["scenarios"][0]["certificates"][0]["bound_eur"] -= 1.0
    assert replay(tmp_path, record) != []
