"""One seat of any role in focus, bots of its role on all others; money per role."""

import json
from dataclasses import replace

import numpy as np
import pytest

from p2p_market.errors import PolicyError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.focal.focal import background, focal
from p2p_market.evaluation.focal.summary import best_response, by_role, focal_record
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.population import Bot, Population, seated
from tests.toy import track
from tests.toy.conftest import SCENARIO, command

CROWD = Population(
    "toy-1",
    {
        "saver": Bot("thrifty", "tests.toy.players:thrifty_storage", "storage"),
        "waiter": Bot("idle", "idle"),
        "runner": Bot("thrifty", "tests.toy.players:thrifty_plant", "plant"),
    },
)
OF_STORAGES = Population("half", {"saver": CROWD.bots["saver"]})
ENTRY = "storage=thrifty"
HERE = "tests.toy.test_seats"


@pytest.fixture(scope="module")
def result(scenario):
    return focal(scenario, [ENTRY], weeks=[0, 1], population=f"{HERE}:CROWD")


def costs(scenario, name):
    episode = track.stack(draw_weeks(scenario, "test", [0, 1], 0))
    return play(scenario, episode, name).private_cost_eur


def test_a_seat_of_each_role_plays_its_part(scenario, result):
    """In the toy no agent moves the money of another."""
    assert result.row(ENTRY).cost_eur == pytest.approx(costs(scenario, ENTRY))
    assert result.row("thrifty").cost_eur == pytest.approx(costs(scenario, "thrifty"))
    assert result.saving_eur(ENTRY)[:, :2].all()
    assert not result.saving_eur(ENTRY)[:, 2].any()  # the plant plays its rule
    assert not result.gain_eur("idle").any()
    assert result.gain_eur("thrifty") == pytest.approx(result.saving_eur("thrifty"))


def test_bots_have_seats_of_their_role(scenario):
    keys = [replace(track.keys(scenario, "test", 0)[0][0], seed=seed) for seed in range(20)]
    drawn = np.array([seated(scenario, CROWD, key) for key in keys])
    assert set(drawn[:, :2].flat) == {"saver", "waiter"}
    assert set(drawn[:, 2]) == {"runner", "waiter"}
    cast = background(scenario, keys[0], CROWD, "random", [2, 0])
    in_focus = [(cast[role].member_of == 0).tolist() for role in ("storage", "plant")]
    assert in_focus == [
        [[False, False], [True, False], [True, True]],
        [[True], [False], [True]],
    ]
    assert (cast["storage"].width, cast["plant"].width) == (2, 1)


def test_a_population_needs_bots_for_every_role(scenario):
    with pytest.raises(PolicyError, match="population 'half' has no bot for the role 'plant'"):
        focal(scenario, ["thrifty"], weeks=[0], population=f"{HERE}:OF_STORAGES")


def test_money_is_told_role_by_role(scenario, result):
    found = {(one.role, one.policy): one for one in by_role(result)}
    assert ("storage", ENTRY) in found
    assert ("plant", ENTRY) not in found  # it leaves the plant to its rule
    saved = costs(scenario, "idle") - costs(scenario, "thrifty")
    for role, seats in (("storage", [0, 1]), ("plant", [2])):
        one = found[role, "thrifty"]
        assert one.saving_eur.point == pytest.approx(saved[:, seats].mean())
        assert one.gain_eur.point == pytest.approx(saved[:, seats].mean())
        assert one.gain_eur.low < one.gain_eur.point < one.gain_eur.high
        best = best_response(result).mean_of_eur(result.seats_of(role))
        assert one.short_eur.point == pytest.approx(best - one.saving_eur.point)


def test_a_record_tells_roles_apart(result):
    record = json.loads(json.dumps(focal_record(result), allow_nan=False))
    assert record["roles"] == {"storage": ["storage_0", "storage_1"], "plant": ["plant_0"]}
    entry = record["policies"][0]
    assert [*entry["mean_eur"]] == ["storage"]
    assert [*record["policies"][1]["mean_eur"]] == ["storage", "plant"]
    assert [*record["best_response_at_least"]["mean_eur"]] == ["storage", "plant"]


def test_the_command_has_a_row_for_each_role(monkeypatch, tmp_path):
    extras = {**track.CARD.extras, "population": f"{HERE}:CROWD"}
    monkeypatch.setattr(track, "CARD", replace(track.CARD, extras=extras))
    asked = ["-s", SCENARIO, "-p", ENTRY, "--weeks", "0", "--workers", 1]
    said = command("focal", *asked, "-o", tmp_path)
    rows = [line.split()[:2] for line in said.splitlines()]
    assert ["storage", ENTRY] in rows
    assert ["plant", "thrifty"] in rows
    assert ["plant", ENTRY] not in rows
    assert "gain: the same against its own cost with idle" in said
    (path,) = tmp_path.glob("*.json")
    assert json.loads(path.read_text())["roles"]["plant"] == ["plant_0"]
