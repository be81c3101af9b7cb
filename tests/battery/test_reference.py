"""Rows of the reference table: made anew they are the stored ones."""

import pytest

pytest.importorskip("cvxpy")

from p2p_market.battery.episode.episode import draw
from p2p_market.commands.reference import _line
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import entries, published
from p2p_market.evaluation.ends.row import row
from p2p_market.registry import load_scenario
from p2p_market.track import OPTIMUM


@pytest.mark.parametrize(
    ("name", "place"),
    [("battery-146-v0", 0), ("battery-146-v0", 51), ("battery-146-bidding-v0", 7),
     ("battery-146-quarter-v0", 20), ("battery-146-thin-v0", 33), ("battery-146-wide-v0", 14),
     pytest.param("battery-146-literal-v0", 4, marks=pytest.mark.slow),
     pytest.param("battery-fleet-4-v0", 0, marks=pytest.mark.slow)],  # a call that takes the rest
)  # fmt: skip
def test_a_row_made_anew_is_the_stored_one(name, place):
    scenario = load_scenario(name)
    stored = entries(scenario)[place]
    new, _ = row(name, place)
    assert new.key == stored.key
    assert (new.episode, new.rule_eur, new.rule_digest) == (
        stored.episode, stored.rule_eur, stored.rule_digest
    )  # fmt: skip
    assert new.plan_eur == pytest.approx(stored.plan_eur, abs=stored.tolerance_eur)
    assert new.holds
    assert stored.individual_eur == ()


def test_a_stored_schedule_is_played_without_a_solver():
    scenario = load_scenario("battery-146-v0")
    entry = entries(scenario)[3]
    plan = published(scenario, draw(scenario, entry.key))
    certificate, played = certify(scenario, draw(scenario, entry.key), plan, OPTIMUM)
    assert certificate.holds
    assert played.digests[0] == entry.optimum_digest


def test_there_is_no_figure_for_agents_alone():
    assert _line(entries(load_scenario("battery-146-v0")))[2] == "-"
    assert _line(entries(load_scenario("classic-v0")))[2] != "-"
