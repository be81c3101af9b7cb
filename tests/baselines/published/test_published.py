"""What is published can be read, belongs together, and plays as recorded."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from p2p_market.registry import load_scenario
from tools.publish import agreed, power, score, who_gains
from tools.publish.numbers import curve, lines
from tools.publish.page import PAGE, page
from tools.publish.plan import (
    AGENT_STEPS,
    AGREED_STEPS,
    CHOICE_STEPS,
    CHOICES,
    FOLDER,
    MACHINE_STEPS,
    METHODS,
    OF_MACHINES,
    trainings,
)
from tools.publish.score import (
    BATTERY,
    BESIDE,
    BEST,
    MACHINES,
    OTHER_YEAR,
    TEST,
    VALIDATION,
    Board,
    Task,
    check,
    name_of,
    read,
)

RESALE = next(board for board in TEST if board.scenario == "resale-6-v0")


def test_the_page_is_what_the_records_say():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make results`"


@pytest.mark.parametrize("board", TEST, ids=lambda board: board.scenario)
def test_every_network_stands_in_the_records(board):
    players = read(board)["players"]
    assert {*players} == {name_of(path) for path in board.networks} | {*BESIDE, BEST}
    for path in board.networks:
        assert players[name_of(path)]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    weeks = {len(player["social_cost_eur"]) for player in players.values()}
    assert weeks == {13}


@pytest.mark.parametrize("board", MACHINES, ids=lambda board: board.path.stem)
def test_every_network_among_machines_stands_in_the_records(board):
    players = read(board)["players"]
    assert {*players} == {name_of(path) for path in board.networks} | {*board.beside, BEST}
    assert len(board.networks) == (sum(OF_MACHINES.values()) if board.split == "test" else 0)
    for path in board.networks:
        assert players[name_of(path)]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_network_among_machines_plays_as_recorded():
    pytest.importorskip("onnxruntime")
    board = next(one for one in MACHINES if one.split == "test")
    assert check(1, [Task(board, "assets-12-v0/mappo/seed-0"), Task(board, "truthful")]) == []


def test_learners_among_machines_are_above_truthful_bids():
    board = next(one for one in MACHINES if one.split == "test")
    learnt = lines(board)[0]
    assert learnt.trainings == sum(OF_MACHINES.values())
    assert learnt.over["truthful"].low > 0.0


def test_all_who_may_sign_stand_in_the_record():
    known = agreed.read()["players"]
    assert [*known] == [player.name for player in agreed.players()]
    for player in agreed.players():
        paid = np.array(known[player.name]["paid_eur"])
        assert paid.shape == (13, 12)
        if player.file is not None:
            digest = hashlib.sha256(player.file.read_bytes()).hexdigest()
            assert known[player.name]["sha256"] == digest
        if player.scenario == agreed.WITH:
            differences = np.array(known[player.name]["forwards_paid_eur"])
            np.testing.assert_allclose(differences.sum(axis=1), 0.0, atol=1e-4)


def test_the_page_of_agreements_says_what_was_recorded():
    text = who_gains.PAGE.read_text(encoding="utf-8")
    assert who_gains.PLACE.findall(text) == [who_gains.tables()], "run `make results`"


@pytest.mark.slow
def test_who_signs_plays_as_recorded():
    pytest.importorskip("onnxruntime")
    players = agreed.players()
    chosen = [next(one for one in players if one.name == "contracting"), players[7], players[-1]]
    assert agreed.check(chosen) == []


@pytest.mark.parametrize("board", BATTERY, ids=lambda board: board.path.stem)
def test_every_network_of_a_battery_stands_in_the_records(board):
    players = read(board)["players"]
    assert {*players} == {name_of(path) for path in board.networks} | {*board.beside, BEST}
    assert (len(board.networks) >= 5) == (board.split == "test")
    best = players[BEST]["social_cost_eur"]
    for name, player in players.items():
        costs = np.array(player["social_cost_eur"])
        assert costs.shape == (52,), name  # thirteen weeks, four draws of each
        assert np.all(costs >= np.array(best) - 1e-4), name
    for path in board.networks:
        assert players[name_of(path)]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_prices_that_no_training_has_seen():
    other, own = OTHER_YEAR.loaded, load_scenario(OTHER_YEAR.trained_in)
    assert other.spec.prices != own.spec.prices
    assert (other.spec.batteries, other.steps) == (own.spec.batteries, own.steps)


@pytest.mark.parametrize("scenario", CHOICE_STEPS)
def test_batteries_have_five_trainings(scenario):
    found = curve(scenario, "ppo")
    assert found is not None
    assert len(found.score) >= 5


def test_a_network_of_a_battery_plays_as_recorded():
    pytest.importorskip("onnxruntime")
    board = next(one for one in BATTERY if one.split == "test")
    chosen = [Task(board, "battery-146-v0/ppo/seed-0"), Task(board, "reserve-first")]
    assert check(1, chosen) == []


@pytest.mark.parametrize(
    "board", [*TEST, *VALIDATION, *MACHINES], ids=lambda board: board.path.stem
)
def test_nobody_beats_the_optimum(board):
    costs = score.costs(board)
    for player, cost in costs.items():
        assert np.all(cost >= costs[BEST] - 1e-4), player


def test_logs_and_settings_are_of_the_plan():
    found = [training for training in trainings() if training.log.is_file()]
    assert {training.method for training in found} >= {*METHODS, *CHOICES}
    assert {training.scenario for training in found} == {
        *AGENT_STEPS,
        *CHOICE_STEPS,
        *MACHINE_STEPS,
        *AGREED_STEPS,
    }
    for training in found:
        told = json.loads((training.folder / f"seed-{training.seed}.json").read_text("utf-8"))
        assert training.settings.items() <= told["settings"].items()
        assert training.ablation or training.policy.is_file()
    others = {path for path in FOLDER.rglob("*.onnx") if power.PLACE not in path.parents}
    assert others == {training.policy for training in found if not training.ablation}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scenario", AGENT_STEPS)
def test_methods_have_five_trainings_or_more(scenario, method):
    found = curve(scenario, method)
    assert found is not None
    assert len(found.score) >= 5


def test_a_network_plays_as_recorded():
    pytest.importorskip("onnxruntime")
    chosen = [Task(RESALE, "resale-6-v0/mappo/seed-0"), Task(RESALE, "storage-value")]
    assert check(1, chosen) == []


@pytest.mark.slow
@pytest.mark.parametrize("board", TEST, ids=lambda board: board.scenario)
def test_networks_play_as_recorded(board):
    pytest.importorskip("onnxruntime")
    chosen = [Task(board, f"{board.trained_in}/{method}/seed-1") for method in METHODS]
    assert check(2, [*chosen, Task(board, BEST)]) == []


def test_a_changed_number_is_noticed(tmp_path, monkeypatch):
    """One cost changed in the records; and a record of another file."""
    record = read(RESALE)
    record["players"]["truthful"]["social_cost_eur"][3] += 1e-9
    monkeypatch.setattr(score, "BOARDS", tmp_path)
    RESALE.path.write_text(json.dumps(record), encoding="utf-8")
    told = check(1, [Task(RESALE, "truthful"), Task(RESALE, "no-trade")])
    assert told == ["resale-6-v0-test.json: truthful plays differently from its record"]


def test_lines_by_hand(tmp_path, monkeypatch):
    monkeypatch.setattr(score, "BOARDS", tmp_path)
    board = Board("resale-6-v0", "test", None)
    weeks = {"no-trade": 10.0, BEST: 0.0, "mpc-alone": 4.0, "storage-value": 5.0}
    players = {name: {"social_cost_eur": [weeks.get(name, 8.0)] * 13} for name in (*BESIDE, BEST)}
    tmp_path.joinpath(board.path.name).write_text(
        json.dumps({**read(board), "players": players}), encoding="utf-8"
    )
    found = {line.title: line for line in lines(replace(board))}
    assert found["`mpc-alone`"].score.point == pytest.approx(60.0)
    assert found["`mpc-alone`"].over["storage-value"].point == pytest.approx(10.0)
    assert found["`truthful`"].saved_eur == pytest.approx(2.0)
