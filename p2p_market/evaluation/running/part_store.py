"""What the finished parts of a run leave on disk, so that an interrupted run goes on.

Optima stay for later runs. What policies answered stays until the run is complete: actions and the
digests they led to. Nothing in it is trusted: a plan is certified again, actions are played again.
"""

import hashlib
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from p2p_market.evaluation.benchmark import Yardstick, draw_weeks
from p2p_market.evaluation.ends.plan_store import DAMAGES, plan_path, read_plan, write_plan
from p2p_market.evaluation.ends.reference import published
from p2p_market.evaluation.players.conduct import CONDUCT
from p2p_market.evaluation.players.names import is_file, is_ours, of_roles, target_of
from p2p_market.evaluation.record.versions import versions
from p2p_market.evaluation.running.parts import Answer, Job, Known, Part, Recording, parts_of
from p2p_market.files import safe_name, write_bytes
from p2p_market.loading import spec_from_here, spec_of_ours
from p2p_market.registry import FILES
from p2p_market.track import OPTIMUM, AnyScenario
from p2p_market.tracks import module_of

PACKAGE: Final = "p2p_market"
ROLE: Final = "role:"  # before the names of roles in a file


@dataclass(frozen=True, slots=True)
class PartStore:
    """Answers of parts, below the folder in which the runs are: `optima/` and `parts/`."""

    folder: Path
    _paths: dict[Part, Path] = field(default_factory=dict)  # of all parts asked for

    def find(self, job: Job) -> dict[Part, Known]:
        """What earlier runs left of the parts of a job; None where nothing valid is left."""
        known: dict[Part, Known] = {}
        for part, path in _paths_of(job, self.folder).items():
            self._paths[part] = path
            known[part] = read_plan(path, job.scenario) if part.policy == OPTIMUM else _read(path)
        return known

    def keep(self, part: Part, answer: Answer) -> None:
        """Store the answer of a part, completely or not at all."""
        path = self._paths.get(part)
        if path is None:  # it stands in the reference table
            return
        if answer.plan is not None:
            write_plan(path, answer.plan)
        elif answer.trajectory is not None:
            _write(path, answer)

    def clear(self) -> None:
        """Remove what policies answered in this run; its record holds all of it now."""
        for part, path in self._paths.items():
            if part.policy != OPTIMUM:
                path.unlink(missing_ok=True)
        with suppress(OSError):  # another run has parts there, or there never were any
            (self.folder / "parts").rmdir()


def installation(policies: Sequence[str], scenario: AnyScenario | None = None) -> dict[str, str]:
    """What must be equal for equal bytes: versions, and the code of package, track and policies.

    Args:
        policies: names, `module:factory` or files.
        scenario: in which they play; None where they are all `module:factory` or files.
    """
    modules, parts = {(PACKAGE, True)}, {*policies}
    if scenario is not None:
        modules.add((module_of(scenario.spec.track), True))
        played = {item for name in policies for item in of_roles(scenario, name).items()}
        parts = {part for _, part in played}
        targets = {part: target_of(scenario, role, part) for role, part in played}
    else:
        targets = {name: FILES.get(Path(name).suffix, name) for name in policies}
    modules |= {(target.partition(":")[0], is_ours(name)) for name, target in targets.items()}
    codes = {
        f"code of {name.partition('.')[0]}": _code(name, ours) for name, ours in sorted(modules)
    }
    files = [Path(name) for name in sorted(parts) if is_file(name) and Path(name).is_file()]
    digests = {f"file {path}": hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return versions() | codes | digests


@lru_cache
def _code(module: str, ours: bool) -> str:
    """Digest of all sources of a module's package, or of its only file, at first use."""
    top = module.partition(".")[0]
    spec = spec_of_ours(top) if ours else spec_from_here(module)
    if spec is None:  # whoever plays it tells that it is not there
        return "not found"
    digest = hashlib.sha256()
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    files = [(folder, path) for folder in folders for path in sorted(folder.rglob("*.py"))]
    if not folders and spec.origin is not None:
        files = [(Path(spec.origin).parent, Path(spec.origin))]
    for folder, path in files:
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _paths_of(job: Job, folder: Path) -> dict[Part, Path]:
    """Path of the stored answer of each part, existing or not; published optima have none."""
    name, yardstick = job.scenario.spec.id, Yardstick(job.scenario)
    paths = {}
    for part in parts_of(job):
        if part.policy == OPTIMUM:
            single = draw_weeks(job.scenario, part.split, part.weeks, part.seed)[part.place]
            if published(job.scenario, single) is None:
                optima = folder / "optima"
                paths[part] = plan_path(optima, yardstick.identity, job.scenario, single)
        else:
            key = json.dumps(
                [asdict(part), installation([part.policy], job.scenario)], sort_keys=True
            )
            short = hashlib.sha256(key.encode()).hexdigest()[:16]
            paths[part] = folder / "parts" / f"{safe_name(f'{name}-{part.policy}')}-{short}.npz"
    return paths


def _write(path: Path, answer: Answer) -> None:
    assert answer.trajectory is not None
    played = answer.trajectory
    recording, buffer = Recording(played.actions, played.digests, answer.conduct), io.BytesIO()
    np.savez(
        buffer,
        digests=np.array(recording.digests),
        conduct=np.array(json.dumps(asdict(recording.conduct))),
        checksum=np.array(_checksum(recording)),
        allow_pickle=False,
        **{f"{ROLE}{role}": own for role, own in recording.actions.items()},
    )
    write_bytes(path, buffer.getvalue())


def _read(path: Path) -> Recording | None:
    """A stored recording, or None if there is none or it is damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            conduct = CONDUCT.validate_json(archive["conduct"].item())
            digests = tuple(archive["digests"].tolist())
            names = [name for name in archive.files if name.startswith(ROLE)]
            actions = {name.removeprefix(ROLE): archive[name] for name in names}
            recording = Recording(actions, digests, conduct)
            sound = archive["checksum"].item() == _checksum(recording)
    except DAMAGES:
        return None
    return recording if sound else None


def _checksum(recording: Recording) -> str:
    digest = hashlib.sha256(f"{recording.digests} {recording.conduct}".encode())
    for role, actions in recording.actions.items():
        digest.update(f"{role} {actions.dtype} {actions.shape}".encode() + actions.tobytes())
    return digest.hexdigest()
