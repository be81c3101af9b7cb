"""The leaderboard and the report know of a track what its contract says, but for one room each."""

import ast
from pathlib import Path

import pytest

from p2p_market.tracks import TRACKS, module_of

ROOT = Path(__file__).resolve().parents[2]
OF_TRACKS = ("leaderboard/tracks/",)
"""Rooms of the leaderboard that may know a track."""


def neutral(root):
    """Files of the leaderboard but its room of tracks, and what stands directly in `report`."""
    every = [*sorted((root / "leaderboard").rglob("*.py")), *sorted((root / "report").glob("*.py"))]
    return [path for path in every if not path.relative_to(root).as_posix().startswith(OF_TRACKS)]


def of_a_track(dotted, tracks):
    """Whether a name stands in the room of a track."""
    rooms = {module_of(name).rpartition(".")[0] for name in tracks if name in TRACKS}
    rooms |= {f"{above}.{name}" for name in tracks for above in ("baselines", "report")}
    rooms |= {f"leaderboard.tracks.{name}" for name in tracks}
    return any(dotted == room or dotted.startswith(f"{room}.") for room in rooms)


def imports_of_tracks(root, tracks):
    """Sentences on files that import a track."""
    found = []
    for path in neutral(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            found += [
                f"{path.relative_to(root)}, line {node.lineno}: imports {name}"
                for name in names
                if of_a_track(name, tracks)
            ]
    return found


def test_only_its_room_of_tracks_knows_a_track():
    found = imports_of_tracks(ROOT, TRACKS)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "seen"),
    [
        ("leaderboard/a/b.py", "from p2p_market.community import engine", True),
        ("leaderboard/a.py", "def f():\n    import baselines.community.mpc.policy", True),
        ("leaderboard/a.py", "from leaderboard.tracks.community import card", True),
        ("report/a.py", "from p2p_market.community.metrics import METRICS", True),
        ("report/a.py", "from report.community.week import picture", True),
        ("leaderboard/tracks/community/a.py", "from p2p_market.community import engine", False),
        ("report/community/a.py", "from p2p_market.community import engine", False),
        ("leaderboard/a.py", "from leaderboard.tracks import board_card", False),
        ("leaderboard/a.py", "from baselines.learners.onnx_policy.layout import INPUT", False),
    ],
)
def test_the_check_sees(tmp_path, path, source, seen):
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(source, encoding="utf-8")
    assert bool(imports_of_tracks(tmp_path, TRACKS)) == seen
