"""What tracks take instead of writing it themselves."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Annotated, ClassVar, Literal

import numpy as np
import pytest
from pydantic import Field

from p2p_market.errors import ScenarioError
from p2p_market.kit import schema
from p2p_market.kit.actions import screened
from p2p_market.kit.defaults import digest, stack, take
from p2p_market.kit.episodes import Drawn, keys_of
from p2p_market.kit.linear import LinearProgram
from p2p_market.kit.policies import UniformActions
from p2p_market.records import FloatArray
from p2p_market.track import Column, EpisodeKey, Feature, Role

DAYS = {"train": [0, 2], "test": [7, 9, 11]}


@dataclass(frozen=True, slots=True)
class Two(Drawn):
    BATCH_AXIS: ClassVar = {"level": 0}

    price: FloatArray  # (step, batch)
    level: FloatArray  # (batch, agent)


def two(seed):
    return Two((EpisodeKey("test", 0, seed),), np.full((4, 1), seed), np.full((1, 3), -seed))


def test_a_batch_is_what_it_was_made_of():
    singles = [two(seed) for seed in range(3)]
    whole = stack(singles)
    assert (whole.batch, whole.price.shape, whole.level.shape) == (3, (4, 3), (3, 3))
    for number, single in enumerate(singles):
        again = take(whole, number)
        assert again.keys == single.keys
        assert np.array_equal(again.price, single.price)
        assert np.array_equal(again.level, single.level)
    assert stack(singles[:1]) is singles[0]


def test_a_digest_is_of_the_scenario_and_of_every_array():
    scenario, other = SimpleNamespace(digest="a"), SimpleNamespace(digest="b")
    drawn = [two(1), replace(two(1), price=two(2).price), replace(two(1), level=two(2).level)]
    found = {digest(scenario, episode) for episode in drawn}
    assert len(found | {digest(other, drawn[0])}) == 4
    assert digest(scenario, two(1)) in found


@pytest.mark.parametrize("draws", [1, 3])
def test_a_key_is_found_again_by_its_own_seed(draws):
    units = keys_of(DAYS, "test", 7, draws)
    assert [len(unit) for unit in units] == [draws] * 3
    assert len({key for unit in units for key in unit}) == 3 * draws
    assert all(keys_of(DAYS, "test", key.seed, draws) == units for unit in units for key in unit)
    assert not {*units} & {*keys_of(DAYS, "test", 7 + draws, draws)}
    with pytest.raises(ScenarioError, match="no split 'tomorrow'; known: train, test"):
        keys_of(DAYS, "tomorrow", 0)


def test_what_is_no_action_is_rest():
    columns = Column("power", "kW"), Column("mode", "1", 3)
    rest = np.array([[0.5, 1.0]] * 6)
    role = Role("r", tuple("abcdef"), (Feature("x", "1", 0.0, 1.0),), columns, rest, "idle")
    sent = [[2.0, 2.0], [np.nan, 0.0], [0.0, 3.0], [0.0, -1.0], [0.0, 0.5], [0.0, np.inf]]
    found, heard = screened(role, np.array([sent]))
    assert found.tolist() == [[[1.0, 2.0], *[[0.5, 1.0]] * 5]]
    assert heard.tolist() == [[True, *[False] * 5]]


def test_chance_takes_every_choice_and_no_other():
    policy = UniformActions((0, 3))
    action, memory = policy.act(np.zeros((2, 50, 1), dtype=np.float32), policy.start([1, 2]))
    assert set(np.unique(action[..., 1])) == {0.0, 1.0, 2.0}
    assert action[..., 0].min() < -0.5
    again, _ = policy.act(np.zeros((2, 50, 1), dtype=np.float32), memory)
    assert not np.array_equal(action, again)


def test_any_prices_give_a_bound():
    program = LinearProgram(  # sell two goods that share a shop
        cost=np.array([-3.0, -2.0]),
        rows=np.array([[1.0, 1.0]]),
        limit=np.array([4.0]),
        top=np.array([3.0, 3.0]),
        fixed_eur=10.0,
    )
    best = 10.0 - 3.0 * 3.0 - 2.0 * 1.0
    assert program.bound_eur(np.array([2.0])) == pytest.approx(best)
    assert all(program.bound_eur(np.array([price])) <= best for price in np.linspace(-1, 5, 25))
    assert program.ranges.tolist() == [[0.0, 3.0], [0.0, 3.0]]


class Sun(schema.Section):
    kind: Literal["sun"]
    peak_kw: schema.Number


class Wind(schema.Section):
    kind: Literal["wind"]


class File(schema.Section):
    plants: dict[str, Annotated[Sun | Wind, Field(discriminator="kind")]]


@pytest.mark.parametrize(
    ("plant", "complaint"),
    [
        ({"kind": "sun"}, "plants.a.peak_kw: is missing; add it"),
        ({"kind": "sun", "peak_kw": "2"}, "plants.a.peak_kw '2': must be a number, without quotes"),
        ({"kind": "wind", "sun": 1}, "plants.a.sun 1: there is no such key; check its spelling"),
        ({"kind": "tide"}, "plants.a {'kind': 'tide'}: one of two"),
        (3, "plants.a 3: "),
    ],
)
def test_an_error_names_the_place_in_the_file(plant, complaint):
    reasons = {"union_tag_invalid": "one of two"}
    with pytest.raises(ScenarioError) as raised:
        schema.read(File, {"plants": {"a": plant}}, "mine.yaml", lambda loc: len(loc), reasons)
    depth = complaint.partition(" ")[0].strip(":").count(".") + 1
    assert str(raised.value).startswith(f"mine.yaml: line {depth}: {complaint}")
