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
            "specification": {},
            "policies": [
                {"policy": "no-trade", "digests": ["0" * 64, "1" * 64]},
                {"policy": "my_agent:make", "digests": []},
                {"policy": "optimum", "digests": []},
            ],
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
    assert r"title = {p2p\_market 0.1.0: my\_agent:make on classic-v0, run " in text
    assert "author = {{YOUR NAME}}" in text
    many = copy.deepcopy(RECORD)
    many["scenarios"][0]["policies"] += [{"policy": f"p{i}", "digests": []} for i in range(5)]
    assert "6 policies on classic-v0" in bibtex(many)


def test_cff_is_valid_yaml_with_the_scenario_digest():
    content = yaml.safe_load(cff(RECORD))
    assert content["cff-version"] == "1.2.0"
    assert content["identifiers"][0]["value"] == "sha256:" + "ab" * 32
    assert content["title"].startswith("p2p_market: my_agent:make on classic-v0, run ")
    assert content["authors"] == [{"name": "YOUR NAME"}]
    assert content["date-released"] == "2026-11-21"
