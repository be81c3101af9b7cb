"""The notebooks run as they stand, in a kernel of this Python, with a short training."""

import json
import math
import os
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
for needed in ("matplotlib", "cvxpy", "supersuit", "stable_baselines3", "torchrl", "benchmarl"):
    pytest.importorskip(needed)

import nbformat  # noqa: E402 (comes with nbclient)
from jupyter_client.kernelspec import KernelSpecManager  # noqa: E402
from jupyter_client.manager import AsyncKernelManager  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
SHORT = {"ROUNDS": 2, "UPDATES": 2}
OUTCOME = "import json; print(json.dumps({'rule': rule, 'scores': scores}))"
SECONDS = 600  # after which a cell hangs; none takes a tenth of it


def shortened(path: Path) -> nbformat.NotebookNode:
    """The notebook with a shorter training, and a last cell that tells what came out."""
    notebook = nbformat.read(path, as_version=4)
    (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    for name, value in SHORT.items():
        lines = cell.source.splitlines()
        (place,) = (n for n, line in enumerate(lines) if line.startswith(f"{name} = "))
        lines[place] = f"{name} = {value}"
        cell.source = "\n".join(lines)
    notebook.cells.append(nbformat.v4.new_code_cell(OUTCOME))
    return notebook


def run(notebook: nbformat.NotebookNode, folder: Path) -> dict[str, object]:
    here = KernelSpecManager(kernel_dirs=[])  # this Python, whatever the machine has registered
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=here)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    client = nbclient.NotebookClient(
        notebook,
        km=kernel,
        timeout=SECONDS,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, "PYTHONPATH": path})
    (output,) = notebook.cells[-1].outputs
    return json.loads(output.text)


def test_there_is_a_notebook_for_each_library():
    assert [path.stem for path in NOTEBOOKS] == ["benchmarl", "sb3", "torchrl"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path):
    cells = [c for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in cells)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, tmp_path):
    outcome = run(shortened(path), tmp_path)
    scores = outcome["scores"]
    assert len(scores) == 1 + SHORT["ROUNDS"]
    assert all(math.isfinite(score) and score < 100.0 for score in scores)
    assert outcome["rule"] == pytest.approx(56.9, abs=0.1)  # as in docs/train-ppo.md
    assert len({round(score, 6) for score in scores}) == len(scores)  # each round changed it
    assert scores[-1] > scores[0]
