"""The toy as a package that is installed: found by its entry point, here and in other processes."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = Path(__file__).with_name("toy-v0.yaml")
FILES = {
    "METADATA": "Metadata-Version: 2.1\nName: toy-track\nVersion: 0\n",
    "entry_points.txt": "[p2p_market.tracks]\ntoy = tests.toy.track\n",
}


@pytest.fixture(scope="package", autouse=True)
def installed(tmp_path_factory):
    """A folder on the path with what an installer would write."""
    site = tmp_path_factory.mktemp("site")
    (site / "toy_track-0.dist-info").mkdir()
    for name, text in FILES.items():
        (site / "toy_track-0.dist-info" / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(ROOT)]))
        yield site
