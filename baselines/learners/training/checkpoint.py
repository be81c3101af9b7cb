"""What a training leaves on disk, and how it goes on from there."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Final, Protocol

import torch

from p2p_market.errors import PolicyError
from p2p_market.files import write_bytes, write_text

CHECKPOINT: Final = "checkpoint.pt"
PROGRESS: Final = "progress.csv"
POLICY: Final = "policy.onnx"
DAMAGES: Final = (RuntimeError, UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, KeyError)

Row = Mapping[str, float]


class Given(Protocol):
    """All that a training is a function of."""

    @property
    def scenario(self) -> str:
        """Id of a shipped scenario, or a YAML file."""

    def as_mapping(self) -> dict[str, Any]:
        """Plain values by key."""


def write_checkpoint(
    folder: Path, kind: str, args: Given, digest: str, state: Mapping[str, Any]
) -> None:
    """Store all that the rest of a training is a function of.

    Args:
        kind: name of the trainer.
        digest: of the scenario.
        state: plain values and tensors.
    """
    buffer = io.BytesIO()
    content = {
        "format": _format(kind),
        "args": args.as_mapping(),
        "scenario": digest,
        "state": state,
    }
    torch.save({**content, "state": state}, buffer)
    write_bytes(folder / CHECKPOINT, buffer.getvalue())


def read_checkpoint(folder: Path, kind: str, args: Given, digest: str) -> dict[str, Any] | None:
    """The state of a training of these args, or None if there is none yet.

    Only tensors and plain values are read: a checkpoint cannot run code.

    Raises:
        PolicyError: if what is there is damaged or belongs to another training.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    mend = "give another --output, or remove that folder"
    try:
        content = torch.load(path, weights_only=True)
        ours = content["format"] == _format(kind)
        found, state = content["args"], content["state"]
    except DAMAGES as error:
        raise PolicyError(
            f"{path} is not a checkpoint of {kind} ({type(error).__name__}); {mend}"
        ) from error
    if not ours:
        raise PolicyError(f"{path} has format {content['format']!r}, not {_format(kind)!r}; {mend}")
    asked = args.as_mapping()
    if other := [key for key in asked if found.get(key) != asked[key]]:
        told = ", ".join(f"{key} {found.get(key)!r} instead of {asked[key]!r}" for key in other)
        raise PolicyError(f"{path} belongs to another training, with {told}; {mend}")
    if content["scenario"] != digest:
        raise PolicyError(f"{path}: scenario or data of {args.scenario!r} have changed; {mend}")
    return dict(state)


def _format(kind: str) -> str:
    return f"p2p_market/{kind}/1"


def write_rows(folder: Path, rows: Sequence[Row]) -> None:
    """The log as CSV, complete or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: f"{value:.6g}" for key, value in row.items()} for row in rows)
    write_text(folder / PROGRESS, text.getvalue())


def read_rows(folder: Path, agent_steps: int) -> list[Row]:
    """The log up to where a checkpoint was made."""
    path = folder / PROGRESS
    if not path.is_file():
        return []
    lines = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    rows = [{key: float(value) for key, value in line.items()} for line in lines]
    return [row for row in rows if row["agent_steps"] <= agent_steps]
