"""What `init --policy` does: a package around a policy that was trained elsewhere."""

import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from baselines.learners.training.budget import TOLD
from leaderboard.forms import read_toml
from leaderboard.gate.check import check_network
from leaderboard.package.curve import BYTES, read_curve
from leaderboard.package.manifest import NAME, Training
from leaderboard.package.template import write_package
from leaderboard.tracks import card, track_name
from leaderboard.verbs.commands import written
from p2p_market.errors import UsageError
from p2p_market.registry import DEFAULT_TRACK
from p2p_market.tracks import TRACKS

FILE = "policy.onnx"


def init(
    folder: Path,
    policy: str,
    scenario: str,
    normalize: Path | None,
    agent_indicator: bool,
    view: str,
    module: str,
    decides: Sequence[str] | None,
) -> list[str]:
    """Write a package with a trained policy; lines to show.

    Raises:
        UsageError: if the policy is not there, or it is not said where it was trained.
        PackageError: if the gate refuses it.
        PolicyError: if it cannot be exported.
    """
    path = Path(policy)
    if not path.exists():
        raise UsageError(f"{path}: is not there; name a zip, a folder or an ONNX file")
    if path.suffix == ".onnx":
        data = path.read_bytes()
    elif not scenario:
        raise UsageError(f"say with --scenario where the policy was trained, such as {_examples()}")
    else:
        data = _exported(path, scenario, normalize, agent_indicator, view, module, decides)
    track = track_name(scenario) if scenario else DEFAULT_TRACK
    check_network(track, FILE, data)
    told, beside = _declared(path)
    paths = write_package(folder, track, {FILE: data, **beside}, told)
    along = [f"{TOLD} of the training is taken along: your word, which nobody checks"]
    return [
        *written(folder, paths),
        *(along if "curve" in told else []),
        f"score it: p2p-market leaderboard run {quote(str(folder))}",
        f"before you hand it in, say in {folder / NAME} who made it and how",
    ]


def _examples() -> str:
    """The scenario of each track that it is shown by."""
    return " or ".join(default for one in TRACKS if (default := card(one).default))


def _declared(policy: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What lies beside a policy about its training: fields of the manifest, and the curve's file.

    Raises:
        PackageError: if it is not of the form of a manifest, or the curve of none.
    """
    folder = policy if policy.is_dir() else policy.parent
    if not (folder / TOLD).is_file():
        return {"summary": f"Exported from {policy.name}.", **_counted(policy)}, {}
    told = read_toml(TOLD, (folder / TOLD).read_bytes(), Training)
    fields = told.model_dump(mode="json", exclude_unset=True)
    if told.curve is None:
        return fields, {}
    with (folder / told.curve).open("rb") as file:
        curve = file.read(BYTES + 1)
    read_curve(told.curve, curve)
    return fields, {told.curve: curve}


def _counted(policy: Path) -> dict[str, Any]:
    """What the zip of a model of Stable-Baselines3 says of its training, as plain numbers."""
    if policy.suffix != ".zip":
        return {}
    with zipfile.ZipFile(policy) as model:
        found = json.loads(model.read("data"))
    seed = found.get("seed")
    return {
        "seeds": None if seed is None else [seed],
        "agent_steps": found.get("num_timesteps"),
    }


def _exported(
    path: Path,
    scenario: str,
    normalize: Path | None,
    indicator: bool,
    view: str,
    module: str,
    decides: Sequence[str] | None,
) -> bytes:
    from baselines.learners.export import export
    from baselines.learners.interop.view import View
    from p2p_market.registry import load_scenario

    made_for = View(load_scenario(scenario), view) if view else scenario
    with tempfile.TemporaryDirectory() as folder:
        return export(
            path,
            made_for,
            Path(folder) / FILE,
            agent_indicator=indicator,
            normalize=normalize,
            module=module or None,
            decides=decides or None,
        ).read_bytes()
