"""Citations of a run."""

import copy

import yaml

from p2p_market.evaluation.record.citation import bibtex, cff, run_digest

RECORD = {
    "created_utc": "2026-11-21T06:37:38+00:00",
    "versions": {"p2p-market": "0.1.0"},
    "scenarios": [
        {
            "id": "classic-v0",
            "digest": "ab" * 32,
            "data": {"name": "de2018", "digest": "cd" * 32},
            "policies": [{"digests": ["0" * 64, "1" * 64]}],
        }
    ],
}


def test_the_digest_follows_the_traces_and_nothing_else():
    other = copy.deepcopy(RECORD)
    other["created_utc"] = "2027-01-01T00:00:00+00:00"
    assert run_digest(other) == run_digest(RECORD)
    other["scenarios"][0]["policies"][0]["digests"][0] = "2" * 64
    assert run_digest(other) != run_digest(RECORD)


def test_bibtex_names_release_scenario_data_and_digest():
    text = bibtex(RECORD)
    assert text.startswith(f"@misc{{p2p_market_run_{run_digest(RECORD)},")
    for part in ("0.1.0", "classic-v0", "2026", "de2018 cdcdcdcdcdcd"):
        assert part in text
    assert text.count("{") == text.count("}")


def test_cff_is_valid_yaml_with_the_scenario_digest():
    content = yaml.safe_load(cff(RECORD))
    assert content["cff-version"] == "1.2.0"
    assert content["identifiers"][0]["value"] == "sha256:" + "ab" * 32
    assert content["date-released"] == "2026-11-21"
