"""What is published of the learners of a power system: record, networks and page agree."""

import hashlib

import pytest

pytest.importorskip("onnxruntime", reason="needs the extra onnx")

from p2p_market.registry import load_scenario
from tools.publish import power
from tools.publish.power_page import PAGE, written


@pytest.fixture(scope="module")
def record():
    return power.read()


def test_every_play_is_recorded_for_the_scenario_as_it_is(record):
    assert list(record["plays"]) == [one.name for one in power.plays()]
    assert record["digest"] == load_scenario(power.SCENARIO).digest
    assert len({tuple(one["digests"]) for one in record["plays"].values()}) > 60


def test_published_networks_are_those_that_played(record):
    for name in power.LEARNERS:
        for seed in range(power.SEEDS):
            told = record["plays"][f"{name} trained {seed}"]["files"]
            path = power.file_of(name, "trained", seed)
            assert list(told.values()) == [hashlib.sha256(path.read_bytes()).hexdigest()]


def test_the_page_says_what_the_record_says():
    text = PAGE.read_text(encoding="utf-8")
    assert written(text) == text


@pytest.mark.slow
@pytest.mark.parametrize("name", ["", *power.TOGETHER])
def test_a_play_is_played_again_alike(name, record):
    task = power.Task(name, 0, "trained" if name else "rule")
    assert power._played(task, None) == record["plays"][task.name]
