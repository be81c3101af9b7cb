"""A package to begin with: it passes the gate, and says where to go on."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from baselines.learners.decision import Decision
from baselines.learners.onnx_policy.layout import COLUMNS, DECISION, INPUT, OUTPUT
from baselines.learners.training.budget import toml_lines
from leaderboard.package.manifest import ENDINGS, MAIN, NAME
from leaderboard.tracks import board_card, card
from p2p_market.errors import UsageError
from p2p_market.files import write_bytes
from p2p_market.registry import DEFAULT_TRACK, load_scenario
from p2p_market.track import Role
from p2p_market.tracks import track_of

MANIFEST: Final = """\
# What you submit. Change this file, then: p2p-market leaderboard run FOLDER
format = "p2p-market-submission/1"
name = "{name}"  # small letters, digits and '-'
version = "0.1.0"
division = "policy"  # or "method": 5 or more networks, one per seed; "reference" is never ranked

[[authors]]
name = "Ada Example"
# orcid = "0000-0002-1825-0097"
# affiliation = "University of Examples"

[policy]
kind = "{kind}"
{more}
[training]  # declared by you, not checked by anybody
{told}
[citation]
title = "{title}"
year = 2026
# venue = "Journal of Examples"
# doi = "10.1000/example"
# url = "https://example.org/{name}"
"""

EXAMPLES: Final = {
    "seeds": [0],
    "agent_steps": 20_000_000,
    "processor_hours": 3.0,
    "hours": 1.5,
    "hardware": "two processor cores",
    "data": ["classic-v0: train", "classic-v0: validation, to choose the policy"],
    "curve": "curve.csv",
    "code": "https://example.org/my-agent",
}
"""Of the part [training] of a manifest; what is not told stands there as a comment."""

RULE: Final = """\
# A rule of the track; `docs/leaderboard.md` says which there are.
rule = "{rule}"
"""

PROGRAM: Final = Path(__file__).with_name("program.txt")
"""The code of a template; it is not imported here."""

AUTHOR: Final = MANIFEST.partition('[[authors]]\nname = "')[2].partition('"')[0]
"""Who stands there until the author does."""

SHORTEST, LONGEST = 3, 40  # letters of a name

SUMMARIES: Final = {
    "onnx": "None: all outputs are 0.",
    "rules": "None: a rule.",
    "python": "None: a few lines of code.",
}


def write_template(folder: Path, kind: str, track: str = DEFAULT_TRACK) -> list[Path]:
    """Write the files of a new package.

    Raises:
        UsageError: if there is no such kind, the folder holds something already, or the track
            has no scenario to begin with.
        ScenarioError: if there is no such track.
    """
    if kind not in SUMMARIES:
        raise UsageError(f"unknown kind {kind!r}; known: {', '.join(SUMMARIES)}")
    _expect_new(folder)
    if not card(track).default:
        raise UsageError(f"track {track!r} names no scenario that a template could be made for")
    scenario = load_scenario(card(track).default)
    roles: Sequence[Role] = track_of(scenario).roles(scenario)
    files = {}
    for role in roles if kind != "python" else ():
        name = "policy" if len(roles) == 1 else role.name
        if kind == "onnx":
            label, make = next(iter(board_card(track).every.items()))
            contents = _network(label, make(scenario, role))
        else:
            contents = _rule(track, role)
        files[role.name] = (name + ENDINGS[kind], contents)
    more = _more(track, {role: name for role, (name, _) in files.items()})
    if kind == "python":
        files[""] = (MAIN, PROGRAM.read_bytes())
    return _write(folder, kind, more, {"summary": SUMMARIES[kind]}, dict(files.values()))


def write_package(
    folder: Path, track: str, files: Mapping[str, bytes], training: Mapping[str, Any]
) -> list[Path]:
    """Write the files of a new package around networks that are there.

    Args:
        folder: new or empty.
        track: in which it plays.
        files: by name.
        training: fields of the manifest's part of that name.

    Raises:
        UsageError: if the folder holds something already.
    """
    _expect_new(folder)
    return _write(folder, "onnx", _more(track, {}), training, files)


def _expect_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists already; name a new folder")


def _write(
    folder: Path, kind: str, more: str, training: Mapping[str, Any], files: Mapping[str, bytes]
) -> list[Path]:
    name = slug(folder)
    title = name.replace("-", " ").capitalize()
    manifest = MANIFEST.format(
        name=name, title=title, kind=kind, more=more, told=_told(training)
    ).encode()
    paths = []
    for name, contents in ((NAME, manifest), *files.items()):
        write_bytes(folder / name, contents)
        paths.append(folder / name)
    return paths


def _told(training: Mapping[str, Any]) -> str:
    """What is told of a training, then what could be."""
    left = {key: value for key, value in EXAMPLES.items() if training.get(key) is None}
    return toml_lines(training) + "".join(f"# {line}\n" for line in toml_lines(left).splitlines())


def slug(folder: Path) -> str:
    """The folder's name as that of a package; my-agent if nothing of it can be one."""
    letters = unicodedata.normalize("NFKD", folder.resolve().name).encode("ascii", "ignore")
    name = re.sub(r"[^a-z0-9]+", "-", letters.decode().lower())[:LONGEST].strip("-")
    return name if len(name) >= SHORTEST else "my-agent"


def _more(track: str, files: dict[str, str]) -> str:
    """What the manifest says of track and roles where it has to."""
    lines = [] if track == DEFAULT_TRACK else [f'track = "{track}"']
    if len(files) > 1:
        lines += ["", "[policy.roles]", *(f'{role} = ["{file}"]' for role, file in files.items())]
    return "".join(f"{line}\n" for line in lines)


def _rule(track: str, role: Role) -> bytes:
    """A rule's file; where there are several roles, what each plays by default."""
    return (board_card(track).template or RULE.format(rule=role.rule)).encode()


def _network(label: str, decision: Decision) -> bytes:
    """A network whose outputs are 0."""
    sizes = {INPUT: len(decision.names), OUTPUT: decision.width}
    taken, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["row", size])
        for name, size in sizes.items()
    )
    weight = np.zeros((sizes[INPUT], sizes[OUTPUT]), dtype=np.float32)
    nodes = [
        helper.make_node("MatMul", [INPUT, "weight"], ["linear"]),
        helper.make_node("Tanh", ["linear"], [OUTPUT]),
    ]
    graph = helper.make_graph(
        nodes, "policy", [taken], [given], [numpy_helper.from_array(weight, "weight")]
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    told = {COLUMNS: json.dumps(list(decision.names)), DECISION: label}
    helper.set_model_props(model, told)
    return bytes(model.SerializeToString(deterministic=True))
