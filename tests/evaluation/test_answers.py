"""Answers that were not taken as they were: marked beside the score, in words with shares."""

import json

import pytest

from p2p_market.commands import tables
from p2p_market.commands.screen import Screen
from p2p_market.errors import PolicyError
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.evaluation.players.answers import SOUND, Answers, percent
from p2p_market.evaluation.players.conduct import Conduct, marks, recorded_marks
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.record.run_record import replay, write_run
from p2p_market.evaluation.tables.marks import legends, unmarked
from p2p_market.registry import load_scenario
from tests.evaluation.runs import jobs

pytest.importorskip("cvxpy")

STRANGERS = "tests.evaluation.strangers"
NAN, KW = f"{STRANGERS}:NoNumbers", f"{STRANGERS}:InKilowatts"


@pytest.fixture(scope="module")
def result():
    (job,) = jobs("truthful", "classic-v0")
    return evaluate(job.scenario, ("truthful", NAN, KW), weeks=(5,))


def test_who_answers_nan_or_in_kw_is_marked_with_a_share(result):
    found = {row.policy: row.answers for row in result.rows}
    assert found[NAN] == Answers(held=1.0)
    assert found[KW] == Answers(outside=1.0)
    assert found["no-trade"] == found["truthful"] == found["optimum"] == SOUND
    held, outside = legends(result.rows)
    assert (held.mark, held.policies, held.shares) == ("h", (NAN,), ("100 %",))
    most = found[KW].column
    assert most in ("setpoint_0", "quantity")
    assert (outside.mark, outside.policies) == ("o", (KW,))
    assert outside.shares == (f"100 %, most in {most}",)
    assert unmarked(result.rows) == ["no-trade", "truthful"]


def test_the_screen_says_it_beside_the_score(result, monkeypatch, capsys):
    screen = Screen()
    monkeypatch.setattr(tables, "console", screen)
    tables.print_result(result)
    said = " ".join(capsys.readouterr().out.split())
    assert "h: held; its answers were NaN, infinite or huge" in said
    assert "o: out of range; so many of its answers had a number outside [-1, 1]" in said
    assert f"({KW} 100 %, most in " in said
    assert "held in grid-only fallback in 144 agent-steps (100 %): 144 with NaN" in said
    assert f"{NAN}: traded 0 kWh in 1 of 1 episode" in said
    assert "truthful: traded" not in said
    assert "95 % interval" not in said  # one week: a column of dashes
    assert "; the first at step 0: the setpoint_0 of prosumer_0" in said
    for unused in ("x: failed", "f: foresight", "n: not", "c: centralised"):
        assert unused not in said


def test_a_record_keeps_it_and_tells_it_of_the_policies_asked_for(result, tmp_path):
    record = json.loads(write_run([result], tmp_path, "2026-01-01T00:00:00+00:00").read_text())
    assert recorded_marks(record) == [f"held: {NAN}", f"out of range: {KW}"]
    assert recorded_marks(record, {KW}) == [f"out of range: {KW}"]
    assert replay(tmp_path, record) == []
    assert "answers" not in record["scenarios"][0]["policies"][0]  # sound, as in older records


def test_a_little_out_of_range_is_no_mark():
    assert marks(Conduct(), Answers(outside=0.04)) == []
    assert marks(Conduct(), Answers(held=0.001)) == ["h"]
    assert percent(0.001) == "less than 1 %"


def test_a_missing_factory_lists_what_the_module_has():
    scenario = load_scenario("classic-v0")
    with pytest.raises(PolicyError, match=r"strangers has no 'mkae'; it has "):
        load_policy(f"{STRANGERS}:mkae", scenario)
    with pytest.raises(PolicyError, match=r"the role 'buyer' is unknown here; .* write truthful"):
        load_policy("buyer=truthful", scenario)
