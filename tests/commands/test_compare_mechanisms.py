"""Mechanisms in the engine, and side by side on the command line."""

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands import compare
from p2p_market.commands.app import app
from p2p_market.community import mechanisms, metrics
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.scenario.scenario import build
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.market import MECHANISMS
from p2p_market.registry import load_scenario

pytestmark = pytest.mark.xdist_group("compare")  # one comparison for all of them


@pytest.fixture(scope="module")
def rows():
    compared = compare.compare_mechanisms(load_scenario("classic-v0"), "test", [5, 6])
    return {row.mechanism: row for row in compared}


@pytest.mark.parametrize("name", MECHANISMS)
@pytest.mark.parametrize("policy", ["truthful", "zero-intelligence"])
def test_an_episode_balances_under_every_mechanism(name, policy):
    """Strict mode raises unless paid = received + operator's balance, in each step."""
    spec = load_scenario("classic-v0").spec
    scenario = build(spec.model_copy(update={"mechanism": name}))
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    played = rollout(scenario, episode, load_policy(policy, scenario), policy, strict=True)
    paid = played.entries_eur[..., LEDGER_COLUMN["p2p_payment"]]
    kept = metrics.operator_balance_eur(played)
    assert (played.series["fill_kw"] > 0.0).any()
    assert kept == pytest.approx(paid.sum(axis=(0, 2)), abs=1e-9)
    assert np.all(paid.sum(axis=2) >= -1e-9)
    if MECHANISMS[name].budget_balance == "strong":
        assert kept == pytest.approx(0.0, abs=1e-6)
    rewards = played.reward.sum(axis=(0, 2))
    assert rewards == pytest.approx(-played.social_cost_eur - kept, abs=1e-6)


def test_laws_show_in_the_figures(rows):
    assert list(rows) == list(MECHANISMS)
    most = rows["k_double_auction"].traded_kwh
    for name, row in rows.items():
        laws = MECHANISMS[name]
        assert np.all(row.traded_kwh <= most + 1e-6)
        assert np.all(row.allocation_gap_eur >= -1e-6)
        served = np.all(row.allocation_gap_eur <= 1e-3)  # observations are float32
        assert served or not laws.matches_all_volume
        kept = row.operator_balance_eur
        assert np.all(kept >= -1e-6)
        assert laws.budget_balance == "weak" or np.all(kept <= 1e-6)
        assert not laws.individually_rational or not row.worse_off_share.any()


def test_only_matching_differs(rows):
    """The truthful rule runs the same set-points everywhere, so cost and gap move together."""
    others = [row.social_cost_eur - row.allocation_gap_eur for row in rows.values()]
    assert np.ptp(others, axis=0) == pytest.approx(0.0, abs=1e-6)
    assert np.all(rows["mcafee"].allocation_gap_eur > 1.0)


def test_prices_lie_between_feed_in_and_retail(rows):
    for row in rows.values():
        assert np.all((row.price_eur_per_kwh >= 0.10) & (row.price_eur_per_kwh <= 0.32))


def test_the_table_fits_eighty_columns():
    arguments = ["compare", "mechanisms", "-s", "classic-v0", "--weeks", "6"]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    assert all(name in done.stdout for name in MECHANISMS)
    assert all(law in done.stdout for law in ("IR", "budget", "truthful", "weak", "strong"))
    assert "…" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_without_trade_there_is_no_price():
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    played = rollout(scenario, episode, load_policy("no-trade", scenario))
    price = metrics.mean_price_eur_per_kwh(played)
    assert np.isnan(price).tolist() == [True]
    assert mechanisms.price_text(price) == "-"
    assert mechanisms.price_text(np.array([0.2, np.nan, 0.1])) == "0.150"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["-s", "nowhere-v0"], "known:"),
        (["-s", "classic-v0", "--weeks", "13"], "weeks"),
        (["-s", "classic-v0", "--split", "tomorrow"], "split"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(arguments, word):
    done = CliRunner().invoke(app, ["compare", "mechanisms", *arguments])
    assert done.exit_code == 2, done.output
    assert word in done.output
