"""A package to begin with: it passes the gate, and says where to go on."""

import json
from pathlib import Path
from typing import Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from baselines.learners.onnx_policy.layout import COLUMNS, DECISION, INPUT, OUTPUT
from baselines.learners.ppo.decision import KINDS
from leaderboard.package.manifest import NAME
from p2p_market.errors import PackageError
from p2p_market.files import write_bytes
from p2p_market.registry import load_scenario

MANIFEST: Final = """\
# What you submit. Change what stands here, then: p2p-market leaderboard pack FOLDER
format = "p2p-market-submission/1"
name = "my-agent"  # small letters, digits and '-'
version = "0.1.0"
division = "policy"  # or "method": 5 or more networks, one per seed; "reference" is never ranked

[[authors]]
name = "Ada Example"
# orcid = "0000-0002-1825-0097"
# affiliation = "University of Examples"

[policy]
kind = "{kind}"

[training]
summary = "{summary}"
# seeds = [0]
# agent_steps = 20000000
# hours = 1.5
# hardware = "two processor cores"
# code = "https://example.org/my-agent"

[citation]
title = "My agent"
year = 2026
# venue = "Journal of Examples"
# doi = "10.1000/example"
# url = "https://example.org/my-agent"
"""

RULE: Final = """\
# A rule of p2p_market and its settings; `docs/leaderboard.md` lists them.
rule = "truthful"
margin = 0.1  # of the way from the truth to the end of the prices
"""

SUMMARIES: Final = {"onnx": "None: all outputs are 0.", "rules": "None: a rule."}
DECISION_KIND: Final = "around_rule"
SCENARIO: Final = "community-16-v0"


def write_template(folder: Path, kind: str) -> list[Path]:
    """Write the files of a new package.

    Raises:
        PackageError: if there is no such kind, or the folder holds something already.
    """
    if kind not in SUMMARIES:
        raise PackageError(f"kind {kind!r}: known are {', '.join(SUMMARIES)}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PackageError(f"{folder}: is there already; name a new folder")
    policy = ("policy.onnx", _network()) if kind == "onnx" else ("policy.toml", RULE.encode())
    manifest = MANIFEST.format(kind=kind, summary=SUMMARIES[kind]).encode()
    paths = []
    for name, contents in ((NAME, manifest), policy):
        write_bytes(folder / name, contents)
        paths.append(folder / name)
    return paths


def _network() -> bytes:
    """A network whose outputs are 0: it does what the self-consumption rule does."""
    decision = KINDS[DECISION_KIND](load_scenario(SCENARIO))
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
    told = {COLUMNS: json.dumps(list(decision.names)), DECISION: DECISION_KIND}
    helper.set_model_props(model, told)
    return bytes(model.SerializeToString(deterministic=True))
