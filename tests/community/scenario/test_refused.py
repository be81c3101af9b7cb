"""What is written is what is played: files that mean something else are refused, and say why."""

import copy
from typing import get_args

import numpy as np
import pytest
import yaml

from p2p_market import make, make_batch
from p2p_market.assets import ASSETS
from p2p_market.community.records import LARGEST
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.schema import FORMULA, ScenarioSpec
from p2p_market.errors import ScenarioError
from p2p_market.registry import load_scenario, parse, read_scenario
from p2p_market.tracks import TRACKS
from p2p_market.validation import dotted
from tests.community.scenario.drawing import SCHEMA, SMALL, fields_of, put

HEAD = "extends: classic-v0\nid: x-v0\ntitle: t\ndescription: d\n"
DAY_AND_NIGHT = (
    "contracts: {{day_and_night: {{kind: time_of_use, peak_eur_per_kwh: 0.32, off_peak_eur_per_kwh:"
    " 0.26, peak_hours: {}, feed_in_eur_per_kwh: 0.10}}}}\n"
)
SPOT = (
    "contracts: {{day_and_night: {{kind: dynamic, factor: 0.1, adder_eur_per_kwh: 0.26, "
    "feed_in_eur_per_kwh: 0.10, {}}}}}\n"
)
NESTED = "[" * 100_000 + "]" * 100_000
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)

MANY = (
    "members: [&one {node: 1, contract: day_and_night, assets: [{kind: load, donor: H0-A, "
    f"annual_kwh: 9}}]}}{', *one' * 10_000}]"
)


def refusal(text: str) -> str:
    """The sentence in which a file is refused."""
    with pytest.raises(ScenarioError) as caught:
        build(parse(text, "mine.yaml"), "mine.yaml")
    said = str(caught.value)
    assert said.startswith("mine.yaml: ")
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("days: 7\ndays: 3\n", ["lines 5 and 6", "'days'", "twice"]),
        ("site: {latitude_deg: 1, longitude_deg: 2, latitude_deg: 3}\n", ["latitude_deg", "twice"]),
        ("days: true\n", ["line 5", "days True", "whole number"]),
        ("days: 1.0\n", ["days 1.0", "whole number"]),
        ("days: '7'\n", ["days '7'", "without quotes"]),
        ("k: true\n", ["k True", "must be a number"]),
        ("days: " + "9" * 5000, ["line 5", "5000 digits"]),
        ("k: 0." + "1" * 5000, ["line 5", "digits"]),
        ("k: 1e400\n", ["k inf", "finite"]),
        ("hold_h: 1.0e+30\n", ["hold_h 1e+30", "168"]),
        ("id: x-v\u0663\n".join(["", ""]), ["id", "twice"]),
        ("track: trains\n", ["track 'trains'", "community"]),
        ("mechanism: barter\n", ["mechanism 'barter'", "k_double_auction"]),
        ("title: [a]\n", ["lines 3 and 5", "title"]),
        ("colour: blue\n", ["line 5", "colour", "no such key"]),
        ("members: []\n", ["line 5: members []", "at least 1"]),
        ("members: []\nfaults: {kinds: []}\n", ["members []", "faults.kinds []"]),
        ("members: [{node: 1, contract: day_and_night, assets: [x]}]\n", ["assets[0] 'x'"]),
        (
            "contracts: {day_and_night: {kind: flatt}}\n",
            ["day_and_night", "`kind` must be flat"],
        ),
        ("contracts: {day_and_night: {factor: 1}}\n", ["day_and_night", "has no `kind`"]),
        (MANY, ["line 5", "members", "10000"]),
        ("feeder: {limit_kw: 1.0e+9}\n", ["feeder.limit_kw 1000000000.0", "must be less than"]),
        (DAY_AND_NIGHT.format("[7, 7]"), ["line 5", "contracts.day_and_night", "peak_hours"]),
        (DAY_AND_NIGHT.format("[7, 25]"), ["contracts.day_and_night.peak_hours[1] 25", "24"]),
        (DAY_AND_NIGHT.format("[7, true]"), ["contracts.day_and_night.peak_hours[1] True"]),
        (SPOT.format("floor_eur_per_kwh: 0.4, cap_eur_per_kwh: 0.3"), ["floor_eur_per_kwh 0.4"]),
        ("faults: {hours: [3, 0.5]}\n", ["line 5", "faults.hours [3, 0.5]", "swap"]),
        ("faults: {hours: [3, 1000]}\n", ["faults.hours[1] 1000", "168"]),
        ("faults: {per_agent_day: 1.0e+6}\n", ["faults.per_agent_day 1000000.0", "96"]),
        ("outages: {windows: 2, hours: [4, 1]}\n", ["outages.hours [4, 1]", "swap"]),
        ("outages: {windows: 20, hours: [1, 24]}\n", ["outages", "do not fit into 7 days"]),
        (
            "feeder: {limit_kw: 50, mode: binding}\noutages: {windows: 1, hours: [1, 2]}\n",
            ["outages and `feeder.mode: binding`", "penalty"],
        ),
        ("tick_eur_per_kwh: 0.07\n", ["contracts.day_and_night.peak_eur_per_kwh", "0.35", "0.07"]),
        ("price_max_eur_per_kwh: 1.0e+7\nlost_load_eur_per_kwh: 1.0e+8\n", ["line 5", "1e+06"]),
        ("data: ../../secret\n", ["data '../../secret'"]),
        ("data: atlantis\n", ["atlantis", "de2018"]),
        ("data: synthetic:" + "9" * 5000, ["line 5", "data"]),
        ("connection_limit_kw: 20\n", ["prosumer_4", "connection_limit_kw 20.0", "raise"]),
        ("fees: {level: full, grid_fee_eur_per_kwh: 9.0}\n", ["network fee", "lower fees."]),
        (BOMB, ["more than 1000000 values"]),
        ("title2: &loop [*loop]\n", ["line 5", "nested deeper"]),
        ("a: " + NESTED, ["line 5", "nested deeper"]),
        ("? [1, 2]\n: 3\n", ["a key must be a word"]),
        ("a: !!python/object:os.system 1\n", ["line 5", "not plain data"]),
        ("a: !!binary aGVsbG8=\n", ["line 5", "not plain data"]),
        ("a: b: c\n", ["line 5", "not valid YAML"]),
        ("\tdays: 3\n", ["line 5", "tab", "indent with spaces"]),
        ("---\ndays: 3\n", ["line 5", "not valid YAML", "another document"]),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_a_file_is_refused_with_field_value_and_mend(lines, words):
    said = refusal(HEAD + lines)
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("# nothing yet\n", "the file is empty"),
        ("- a\n- b\n", "holds no keys with values"),
        ("classic-v0", "holds no keys with values"),
        ("id: x-v\u0663\n", "id 'x-v\u0663'"),
        ("extends: [classic-v0]\n", "extends must be one scenario id or file"),
        ("extends: true\n", "extends must be one scenario id or file"),
        ("extends: nowhere-v0\n", "no scenario 'nowhere-v0'"),
        ("extends: classic\n", "no scenario 'classic'; did you mean classic-v0?"),
        ("extends: my/base\n", "a file of your own ends in .yaml"),
        ("extends: ../classic-v0\n", "no scenario '../classic-v0'"),
    ],
)
def test_a_file_that_says_nothing_usable_is_named(text, words):
    assert words in refusal(text)


OPTIONAL = (
    "floor_eur_per_kwh", "cap_eur_per_kwh", "feed_in_eur_per_kwh", "eta_charge", "eta_discharge",
    "inverter_kw",
)  # fmt: skip


def number_fields() -> tuple[dict, list[tuple]]:
    """A file with all sections, and the path of each number in it, devices' parameters included."""
    sections = {"outages": {"windows": 1, "hours": [1.0, 2.0]}, "faults": {"hours": [1.0, 2.0]}}
    content = copy.deepcopy(SMALL | sections | {"reward": {}})
    found = [
        path
        for path, schema, _ in fields_of(content)
        if {"number", "integer"} & {one.get("type") for one in (schema, *schema.get("anyOf", []))}
    ]
    return content, found


@pytest.mark.parametrize("value", [True, "1", [1], None], ids=repr)
def test_what_is_no_number_is_refused_in_every_number_field(value):
    content, paths = number_fields()
    assert len(paths) > 60
    for path in paths:
        if value is None and path[-1] in OPTIONAL:
            continue  # none may be there
        changed = copy.deepcopy(content)
        put(changed, path, value)
        said = refusal(yaml.safe_dump(changed))
        assert dotted(path) in said
        assert "must be a" in said


def test_every_number_of_a_file_has_two_ends():
    """Whatever is added later: a number without a bound is accepted and cannot be played."""
    content, _ = number_fields()
    ends = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
    own_rule = {"dt_h", "price_max_eur_per_kwh", "node"}  # the last by the feeder's points
    for path, schema, _ in fields_of(content):
        for one in (schema, *schema.get("anyOf", [])):
            if one.get("type") in ("number", "integer") and path[-1] not in own_rule:
                assert all(end & one.keys() for end in ends), path


def test_the_formula_of_a_price_is_no_price():
    fields = {name for one in SCHEMA["$defs"].values() for name in one.get("properties", {})}
    assert set(FORMULA) <= fields


def test_the_track_of_the_schema_is_one_that_there_is():
    assert set(get_args(ScenarioSpec.model_fields["track"].annotation)) <= TRACKS.keys()


def test_tariffs_on_a_finer_tick_are_played_as_written():
    text = HEAD + "tick_eur_per_kwh: 0.0001\n" + DAY_AND_NIGHT.format("[7, 20]")
    scenario = build(parse(text.replace("0.32", "0.3216")))
    assert scenario.retail_eur_per_kwh.max() == pytest.approx(0.3216, abs=1e-12)


def test_a_peak_goes_through_midnight():
    """The hours before 6 and from 22 on of every working day."""
    night = build(parse(HEAD + DAY_AND_NIGHT.format("[22, 6]")))
    day = build(parse(HEAD.replace("x-v0", "y-v0") + DAY_AND_NIGHT.format("[6, 22]")))
    dear = [one.retail_eur_per_kwh[:, 0].reshape(365, 96) > 0.3 for one in (night, day)]
    tuesday, saturday = 15, 19  # in January
    assert np.flatnonzero(dear[0][tuesday]).tolist() == [*range(24), *range(88, 96)]
    assert np.array_equal(dear[0][tuesday], ~dear[1][tuesday])
    assert not dear[0][saturday].any()


@pytest.mark.parametrize(
    ("written", "meant"),
    [("hold_h: 1e1", 10.0), ("hold_h: 010", 10.0), ("hold_h: +2.", 2.0), ("hold_h: .5", 0.5)],
)
def test_numbers_are_what_they_look_like(written, meant):
    assert parse(HEAD + written).hold_h == meant


@pytest.mark.parametrize("written", ["yes", "12:30", "2018-01-01", "off", "0x10", "1_000"])
def test_words_that_look_like_something_else_stay_words(written):
    assert parse(HEAD.replace("title: t", f"title: {written}")).title == written


def test_anchors_and_merged_keys_are_read():
    text = HEAD + (
        "contracts:\n"
        "  a: &a {kind: flat, retail_eur_per_kwh: 0.3, feed_in_eur_per_kwh: 0.1}\n"
        "  day_and_night: {<<: *a, retail_eur_per_kwh: 0.31}\n"
    )
    assert parse(text).contracts["day_and_night"].retail_eur_per_kwh == 0.31


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str | bytes):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_file_may_extend_another_own_file_beside_it(folder, monkeypatch):
    folder("own/base.yaml", HEAD.replace("x-v0", "base-v0") + "days: 3\nk: 0.3\n")
    path = folder("own/top.yaml", "extends: base.yaml\nid: top-v0\nk: 0.4\n")
    spec = read_scenario(path)
    assert (spec.id, spec.days, spec.k) == ("top-v0", 3, 0.4)
    crisis = folder("crisis.yaml", "extends: crisis-prices-v0\nid: mine-v0\n")  # extends itself
    assert read_scenario(crisis).prices == "synthetic-crisis:4"


def test_a_long_chain_of_bases_is_called_long(folder):
    folder("b12.yaml", HEAD)
    for number in range(12):
        folder(f"b{number}.yaml", f"extends: b{number + 1}.yaml\n")
    with pytest.raises(ScenarioError, match="a chain of more than 10 bases"):
        load_scenario("b0.yaml")


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("a.yaml", ["a.yaml: line 1: extends", "in a circle", "a.yaml -> a.yaml"]),
        ("b.yaml", ["b.yaml: line 1: extends", "a.yaml -> b.yaml -> a.yaml"]),
        ("gone.yaml", ["extends: gone.yaml: there is no such file", "/gone.yaml"]),
        ("folder.yaml", ["folder.yaml: is not a file"]),
        ("list.yaml", ["list.yaml: holds no keys"]),
        ("/dev/null.yaml", ["no such file"]),
    ],
)
def test_a_base_that_cannot_be_read_is_named(folder, base, words):
    path = folder("a.yaml", f"extends: {base}\nid: a-v0\n")
    folder("b.yaml", "extends: a.yaml\n")
    folder("list.yaml", "- 1\n")
    folder("folder.yaml/inside", "")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothere.yaml", "there is no such file"),
        ("folder.yaml", "is not a file"),
        ("latin.yaml", "is not UTF-8"),
        ("huge.yaml", "bytes; a scenario has"),
        ("configs/scenarios/classic-v0", "a file of your own ends in .yaml"),
        ("../scenarios/classic-v0", "no scenario"),
        ("x" * 5000 + ".yaml", "cannot be read"),
        ("a\0b.yaml", "no such file"),
    ],
    ids=lambda value: ascii(value[:24]),
)
def test_a_name_that_is_no_scenario_file(folder, name, words):
    folder("folder.yaml/inside", "")
    folder("latin.yaml", "title: Z\u00fcrich\n".encode("latin-1"))
    with folder("huge.yaml", "").open("wb") as huge:
        huge.truncate(2**30)
    with pytest.raises(ScenarioError, match=words) as caught:
        load_scenario(name)
    assert len(str(caught.value)) < 1000


def test_a_file_that_has_changed_is_another_scenario(folder):
    path = folder("mine.yaml", HEAD + "days: 1\n")
    first = make("mine.yaml").scenario
    assert make("mine.yaml").scenario is first  # what it shares is computed once
    path.write_text(HEAD + "days: 3\n")
    assert make("mine.yaml").scenario.steps == make_batch("mine.yaml", 1).scenario.steps == 72
    base = folder("base.yaml", "extends: classic-v0\nk: 0.3\n")
    path.write_text("extends: base.yaml\nid: x-v0\n")
    assert make("mine.yaml").scenario.spec.k == 0.3
    base.write_text("extends: classic-v0\nk: 0.4\n")
    assert make("mine.yaml").scenario.spec.k == 0.4


def test_a_byte_order_mark_is_no_key(folder):
    assert read_scenario(folder("bom.yaml", b"\xef\xbb\xbf" + HEAD.encode())).id == "x-v0"


def test_the_highest_price_is_the_supervisors_bound():
    high = f"price_max_eur_per_kwh: {LARGEST}\nlost_load_eur_per_kwh: 2e6\n"
    assert build(parse(HEAD + high + "shortfall_eur_per_kwh: 2e6\n")).spec.hold_h == 1.0
    beyond = float(np.nextafter(LARGEST, np.inf))
    assert "must be at most 1e+06" in refusal(HEAD + f"price_max_eur_per_kwh: {beyond!r}\n")


def test_money_stays_small_enough_to_balance():
    content = SMALL | {"price_max_eur_per_kwh": LARGEST, "lost_load_eur_per_kwh": 2e6}
    content |= {"shortfall_eur_per_kwh": 2e6, "connection_limit_kw": 1e5}
    content["members"] = copy.deepcopy(SMALL["members"])
    content["members"][2]["assets"][0]["annual_kwh"] = 1e7
    assert "EUR/h" in refusal(yaml.safe_dump(content))


def test_a_donor_is_not_a_kind_in_disguise():
    asset = ASSETS["load"]
    with pytest.raises(ValueError, match="donor_kind"):
        asset(annual_kwh=1000.0, donor="any household")
