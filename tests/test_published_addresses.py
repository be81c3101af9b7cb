"""What published records name must not move: addresses of code, and what digests are made of."""

import importlib
import json
import re
from dataclasses import fields
from pathlib import Path

from p2p_market.assets.machine import MachineCoefficients
from p2p_market.assets.node import Coefficients
from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum import digest
from p2p_market.track import EpisodeKey

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ("leaderboard/seasons", "baselines/published", "p2p_market/reference")
ADDRESS = re.compile(r"(?:baselines|leaderboard|p2p_market|report)(?:\.\w+)+:\w+")


def test_every_address_in_a_published_record_can_be_imported():
    found = {"leaderboard.tripwires:constant", "leaderboard.tripwires:clock_only"}  # of traces
    files = [path for folder in PUBLISHED for path in (ROOT / folder).rglob("*.*")]
    for path in files:
        if path.suffix in (".json", ".jsonl", ".toml", ".yaml"):
            found |= set(ADDRESS.findall(path.read_text("utf-8")))
    assert "baselines.population.bots:FIRST" in found
    for address in sorted(found):
        module, _, name = address.partition(":")
        assert hasattr(importlib.import_module(module), name), address


def test_what_reference_digests_are_made_of():
    devices = [field.name for field in fields(Coefficients) if field.name != "machines"]
    assert tuple(devices) == digest.NODES
    assert tuple(field.name for field in fields(MachineCoefficients)) == digest.MACHINES
    names = [field.name for field in fields(Episode)]
    only_seen = {"expected_drift_kwh", "weather"}
    optional = {"fuel_eur_per_kwh"}  # hashed where there is fuel
    later = {*digest.NEWER, *digest.WORLD, *only_seen, *optional}
    assert tuple(name for name in names if name not in later) == digest.SERIES
    assert later < set(names)
    key = EpisodeKey("test", 35, 0)
    assert repr((key,)) == "(EpisodeKey(split='test', start_day=35, seed=0),)"


def test_tables_name_the_digests_of_today():
    """A table whose digests are of other episodes would silently be solved anew."""
    from p2p_market import load_scenario
    from p2p_market.evaluation.ends.reference import FOLDER
    from p2p_market.tracks import track_of

    for path in sorted(FOLDER.glob("*.json")):
        scenario, table = load_scenario(path.stem), json.loads(path.read_text("utf-8"))
        entry = table["episodes"][0]
        key = EpisodeKey(entry["split"], entry["start_day"], entry["seed"])
        track = track_of(scenario)
        assert track.digest(scenario, track.draw(scenario, key)) == entry["episode"], path.stem
