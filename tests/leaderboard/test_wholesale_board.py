"""A week of a power system as the pages of a season draw it."""

import numpy as np
import pytest

from leaderboard.tracks.wholesale import CARD, picture
from p2p_market.evaluation.rollout import rollout
from p2p_market.tracks import extra, track_of
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.rules import default
from tests.wholesale.cases import drawn, scenario


def test_a_picture_holds_what_was_played():
    of, given = scenario(), drawn()
    cast = {role: getattr(default, role)(of) for role in ROLES}
    played = rollout(of, given, cast, "default")
    shown = picture(of, given, played)
    assert extra(of, "board") is CARD
    curves = {curve.said: curve.values for panel in shown.panels for curve in panel.curves}
    supply = curves["wind and sun"] + curves["thermal units"]
    taken = curves["load"] + played.series["power_mw"][:, 0].sum(axis=1)
    dumped = played.series["dumped_mw"][:, 0].sum(axis=1)
    assert supply - dumped == pytest.approx(taken, abs=1e-6)
    assert (curves["lowest"] <= 50.0).all()
    assert len(shown.days) == 7
    assert all(len(day) == len(shown.columns) for day in shown.days)
    costs = [float("".join(day[0].split())) for day in shown.days]
    assert sum(costs) == pytest.approx(float(played.social_cost_eur[0]), abs=4.0)
    names = set(track_of(of).CARD.metrics)
    assert {one.key for one in CARD.metrics} <= names
    assert np.isfinite(curves["cleared"]).all()
