"""Fingerprints that another process finds, compared with those of this one."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.determinism.fingerprint import computed, fingerprint

ROOT = Path(__file__).resolve().parents[2]


def elsewhere(*scenarios: str, **environment: str) -> dict[str, dict[str, str]]:
    """Fingerprints that a new process finds under these environment variables."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.determinism.fingerprint", *scenarios],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@cache
def here(scenario_id: str) -> dict[str, str]:
    return fingerprint(scenario_id)


def assert_same(scenarios: Sequence[str], **environment: str) -> dict[str, dict[str, str]]:
    """What a new process finds in these scenarios, which is what is found here."""
    found = elsewhere(*scenarios, **environment)
    for scenario_id in scenarios:
        expected, other = here(scenario_id), found[scenario_id]
        changed = [name for name in expected if expected[name] != other[name]]
        assert not changed, f"{scenario_id}: {', '.join(changed)}"
    assert found["any"] == computed()
    return found
