"""A policy whose answers no battery can carry out is marked, and told what to answer."""

import numpy as np
import pytest

from p2p_market.battery.actions import IDLE
from p2p_market.commands import tables
from p2p_market.commands.screen import Screen
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.evaluation.players.answers import SOUND
from p2p_market.evaluation.tables.marks import legends, unmarked
from p2p_market.registry import load_scenario
from report.page import write

pytest.importorskip("cvxpy")

HERE = "tests.battery.test_held"
STRANGE = {f"{HERE}:Nan": "nan", f"{HERE}:Beyond": "99", f"{HERE}:Half": "-0.5"}


class Answer:
    """Always the same number, without memory."""

    number = 0.0

    def __init__(self, scenario):
        pass

    def start(self, seeds):
        return None

    def act(self, observation, memory):
        return np.full((*observation.shape[:2], len(IDLE)), self.number), memory


class Nan(Answer):
    number = np.nan


class Beyond(Answer):
    number = 99.0


class Half(Answer):
    number = -0.5


@pytest.fixture(scope="module")
def result():
    return evaluate(load_scenario("battery-146-v0"), tuple(STRANGE), weeks=(5,))


def test_who_answers_with_no_choice_is_marked_with_a_share(result):
    found = {row.policy: row.answers for row in result.rows}
    assert {found[name].held for name in STRANGE} == {1.0}
    assert found["dam-only"] == found["optimum"] == SOUND
    (held,) = legends(result.rows)
    assert (held.mark, held.policies) == ("h", tuple(STRANGE))
    assert unmarked(result.rows) == ["dam-only"]


def test_screen_and_page_say_what_to_answer(result, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(tables, "console", Screen())
    tables.print_result(result)
    said = " ".join(capsys.readouterr().out.split())
    page = write([result], tmp_path, "Held").read_text()
    for name, number in STRANGE.items():
        assert f"{name}: held in 100 % of its steps" in said
        wanted = f"offer of battery_0 was {number}; answer whole numbers from 0 to 4"
        assert wanted in said
        assert wanted in page
