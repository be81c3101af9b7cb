"""The shape of the code: which room may import which, what stays out, how large a file gets."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent

# Imports go down only: a room imports rooms of the floors above it in this list, and never another
# room of its own floor. A room is a module or package of p2p_market, or one of the packages of a
# checkout on the last floors. `p2p_market` stands for the package's own __init__.
FLOORS = (
    ("errors", "messages", "records", "words"),
    ("files", "loading", "validation"),
    ("track",),
    ("tracks",),
    ("kit", "scenarios"),
    ("environment",),
    ("compilation", "data"),
    ("assets", "grid", "market"),
    ("registry",),
    ("battery", "community", "wholesale"),
    ("p2p_market",),
    ("evaluation",),
    ("testing", "commands"),
    ("__main__",),
    ("baselines",),
    ("report",),
    ("leaderboard",),
)
RANK = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
PACKAGES = ("p2p_market", "baselines", "report", "leaderboard")

HEAVY = {
    "torch", "onnx", "onnxruntime", "ray", "cvxpy", "pandas", "matplotlib", "scipy", "jinja2",
    "cryptography", "pandapower", "langgraph", "langsmith", "plotly", "streamlit",
}  # fmt: skip
LINES = 400
SEEDED = {"Generator", "SeedSequence", "BitGenerator", "PCG64", "Philox", "default_rng"}


def modules(root: Path, packages: tuple[str, ...] = PACKAGES) -> Iterator[tuple[str, ast.Module]]:
    """Dotted name and syntax tree of every module; a package's name is that of its __init__."""
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            yield ".".join(parts), ast.parse(path.read_text(encoding="utf-8"), str(path))


def room(dotted: str) -> str:
    """`p2p_market.market.mcafee` is in room `market`, `baselines.rule.policy` in `baselines`."""
    package, _, inside = dotted.partition(".")
    first = inside.partition(".")[0]
    return package if package != "p2p_market" or first in ("", "__init__") else first


def imported(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and dotted name of each import, lazy ones inside functions included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = name.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def upward_imports(root: Path) -> list[str]:
    """Imports that go up or sideways, and rooms without a rank, as sentences."""
    found = []
    trees = dict(modules(root))
    rooms = {room(name) for name in trees}
    found += [f"{new}: a new room; rank it in FLOORS" for new in sorted(rooms - RANK.keys())]
    for name, tree in trees.items():
        here = room(name)
        for line, target in imported(name, tree):
            if target.partition(".")[0] not in PACKAGES:
                continue
            there = room(target)
            if there not in rooms | RANK.keys():  # a name, as in `from p2p_market import make`
                there = target.partition(".")[0]
            if here != there and RANK.get(there, -1) >= RANK.get(here, len(FLOORS)):
                found.append(f"{name}, line {line}: {here} may not import {there}")
    return list(dict.fromkeys(found))


def test_imports_go_down_only():
    found = upward_imports(ROOT)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("p2p_market/market/a.py", "from p2p_market.assets import node", "market may not import"),
        ("p2p_market/grid/a.py", "from p2p_market.assets import node", "grid may not import"),
        ("p2p_market/data/a.py", "def f():\n    from p2p_market import assets", "line 2: data may"),
        (
            "p2p_market/commands/app.py",
            "import baselines.rule",
            "may not import baselines",
        ),
        ("p2p_market/community/a.py", "from p2p_market import make", "may not import p2p_market"),
        (
            "p2p_market/market/a.py",
            "from ..community import engine",
            "may not import community",
        ),
        (
            "p2p_market/market/__init__.py",
            "from ..registry import m",
            "may not import registry",
        ),
        ("baselines/rule.py", "from report import html", "baselines may not import report"),
        ("p2p_market/extra.py", "", "extra: a new room; rank it in FLOORS"),
        ("p2p_market/commands/app.py", "from p2p_market import make\nfrom . import console", None),
        ("p2p_market/__init__.py", "from p2p_market.registry import make", None),
        ("p2p_market/market/__init__.py", "from p2p_market.market.a import b", None),
        ("report/html.py", "import numpy, baselines.rule, p2p_market.commands", None),
    ],
)
def test_the_import_check_sees(tmp_path, path, source, complaint):
    """A check that cannot fail guards nothing: here is what it finds, and what it lets pass."""
    for stub in ("assets/node", "community/engine", "registry"):
        write(tmp_path / f"p2p_market/{stub}.py", "")
    write(tmp_path / path, source)
    found = upward_imports(tmp_path)
    assert bool(found) == bool(complaint), found
    assert complaint is None or complaint in found[0]


TRACKS = ("community", "battery", "wholesale")
# What serves every track knows none; each asks for one through `p2p_market.tracks`.
NEUTRAL = (
    "p2p_market.evaluation",
    "p2p_market.testing",
    "p2p_market.commands",
    "p2p_market.tracks",
)
NEUTRAL += (
    "p2p_market.environment",
    "p2p_market.kit",
    "p2p_market.records",
    "p2p_market.registry",
    "p2p_market.track",
    "p2p_market.scenarios",
    "p2p_market.__init__",
)
OF_TRACKS = ("leaderboard.tracks", *(f"report.{name}" for name in TRACKS))
SCIENCES = ("p2p_market.assets", "p2p_market.market", "p2p_market.grid", "p2p_market.data")


def inside(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


def knows_a_track(root: Path) -> list[str]:
    """Imports of a track where none may be known: by what is neutral, a science, another track."""
    homes = {name: (f"p2p_market.{name}", f"baselines.{name}") for name in TRACKS}
    found = []
    for name, tree in modules(root):
        served = inside(name, ("report", "leaderboard")) and not inside(name, OF_TRACKS)
        served &= name != "leaderboard.tripwires"  # an address of published records
        for line, target in imported(name, tree):
            for track, home in homes.items():
                if not inside(target, home):
                    continue
                if inside(name, (*NEUTRAL, *SCIENCES)) or served:
                    found.append(f"{name}, line {line}: may not know the track {track}")
                own = [other for other, place in homes.items() if inside(name, place)]
                if own and own != [track]:
                    found.append(f"{name}, line {line}: {own[0]} may not import {track}")
    return found


def test_who_serves_all_tracks_knows_none():
    found = knows_a_track(ROOT)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "path",
    [
        "p2p_market/evaluation/a.py",
        "p2p_market/commands/a.py",
        "p2p_market/testing/a.py",
        "p2p_market/assets/a.py",
        "leaderboard/ranking/a.py",
        "report/a.py",
    ],
)
def test_the_track_check_sees(tmp_path, path):
    write(tmp_path / path, "def f():\n    from p2p_market.community.engine import step")
    (found,) = knows_a_track(tmp_path)
    assert "line 2: may not know the track community" in found


def test_a_track_imports_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.test_architecture.TRACKS", ("community", "battery"))
    write(tmp_path / "p2p_market/battery/a.py", "from p2p_market.community.engine import step")
    (found,) = knows_a_track(tmp_path)
    assert "battery may not import community" in found


def circles(root: Path) -> list[str]:
    """Files of the package that import each other in a loop."""
    trees = {name.removesuffix(".__init__"): tree for name, tree in modules(root)}
    known = set(trees)
    arrows: dict[str, set[str]] = {}
    for name, tree in trees.items():
        targets = (target for _, target in imported(name, tree))
        reached = (t if t in known else t.rpartition(".")[0] for t in targets)
        arrows[name] = {t for t in reached if t in known and t != name}
    while leaves := [name for name, onto in arrows.items() if not onto & arrows.keys()]:
        for name in leaves:
            del arrows[name]
    return sorted(arrows)


def test_no_file_imports_itself_by_others():
    assert circles(ROOT) == []


def test_the_circle_check_sees(tmp_path):
    write(tmp_path / "p2p_market/a.py", "from p2p_market.b import c")
    write(tmp_path / "p2p_market/b.py", "def f():\n    from p2p_market import a")
    assert circles(tmp_path) == ["p2p_market.a", "p2p_market.b"]


def write(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")


def test_the_package_loads_nothing_heavy():
    # numba looks for scipy by itself, so what counts is what p2p_market adds.
    source = (
        "import sys, numba; old = {*sys.modules}; from p2p_market import *; "
        "print(*{*sys.modules} - old)"
    )
    command = [sys.executable, "-c", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    added = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"p2p_market", "pettingzoo"} <= added
    assert added & HEAVY == set()


def test_files_stay_readable():
    folders = (*PACKAGES, "tests", "tools")
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path: length for path, length in lengths.items() if length > LINES} == {}
    assert [path for path in files if path.name == "utils.py"] == []


def test_no_global_random_state():
    found = []
    for name, tree in modules(ROOT, ("p2p_market", "baselines")):
        dotted = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
        for used in {*dotted, *(target for _, target in imported(name, tree))}:
            match = re.match(r"(?:np|numpy)\.random\.(\w+)", used)
            if match and match[1] not in SEEDED:
                found.append(f"{name}: {used}; draw from the Generator that is passed in")
    assert not found, "\n".join(found)


def test_one_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
