"""What a training cost and how it went: `training.toml` and `curve.csv`, beside its policy.

`p2p-market leaderboard init --policy` takes them along into a package. The form is that of the part
`[training]` of a package's manifest.
"""

import csv
import io
import json
import platform
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from p2p_market.evaluation.running.processes import processors
from p2p_market.files import write_text

TOLD: Final = "training.toml"
CURVE: Final = "curve.csv"
STEPS: Final = "agent_steps"
SAVING: Final = "validation_saving_eur"
"""Columns of the curve: where it is, and what is saved in a validation week against the rule."""


def write(folder: Path, told: Mapping[str, Any], rows: Sequence[Mapping[str, float]]) -> None:
    """Write both files, each complete or not at all.

    Args:
        folder: of the training.
        told: fields of the manifest's `[training]`; those that are None are left out.
        rows: of its log.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([STEPS, SAVING])
    writer.writerows([int(row[STEPS]), f"{row[SAVING]:.6g}"] for row in rows)
    write_text(folder / CURVE, text.getvalue())
    write_text(folder / TOLD, toml_lines({**told, "curve": CURVE}))


def toml_lines(told: Mapping[str, Any]) -> str:
    """Texts, numbers and lists of them as TOML, a line each; JSON spells them alike."""
    known = {key: value for key, value in told.items() if value is not None}
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in known.items())
    return "".join(lines).replace("\x7f", "\\u007f")


def spent_h(folder: Path) -> float:
    """Processor-hours that earlier calls of this training have told."""
    try:
        found = tomllib.loads((folder / TOLD).read_text("utf-8"))
        return float(found.get("processor_hours", 0.0))
    except (OSError, ValueError, TypeError):  # a budget is told, never needed
        return 0.0


def hardware() -> str:
    """The machine, in a few words."""
    return f"{platform.system()} {platform.machine()}, {processors()} processors"
