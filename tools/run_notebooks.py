"""Run the notebooks and keep what they print: `python -m tools.run_notebooks [FILE ...]`.

The site shows the stored outputs; to run notebooks at every build would take minutes. A notebook
says which cells its outputs are of, so a test sees when its code has changed since.
"""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from p2p_market import __version__

ROOT: Final = Path(__file__).resolve().parent.parent
NOTEBOOKS: Final = ROOT / "docs" / "notebooks"
PATIENCE_S: Final = 900  # for a cell; none takes a tenth of it
EXECUTED: Final = "executed"
"""Key of a notebook's metadata: which cells its outputs are of, and which version printed them."""
PASSING: Final = re.compile(
    r"^(?:\x1b\[(?:\?25l|2K)|(?:\x1b\[\d+m)?\d{4}-\d\d-\d\d \d\d:).*\n?", flags=re.MULTILINE
)
"""Lines of a progress bar, of which each takes the place of the one before, and of a log."""
ESCAPE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TEMPORARY: Final = re.compile(re.escape(tempfile.gettempdir()) + r"/[\w.-]+")


def execute(notebook: Any, folder: Path) -> None:
    """Run all cells in a kernel of this Python; the notebook then holds their outputs."""
    here = KernelSpecManager(kernel_dirs=[])  # this Python, whatever the machine has registered
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=here)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, km=kernel, timeout=PATIENCE_S, resources=resources)
    client.execute(env={**os.environ, "NO_COLOR": "1"})


def sources(notebook: Any) -> str:
    """Digest of the code of all cells, on which their outputs depend."""
    code = ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()


def tidy(notebook: Any) -> None:
    """Keep what cells print and draw; leave out what belongs to one run on one machine.

    Raises:
        ValueError: if an output still names a folder of this machine.
    """
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] != "code":
            continue
        cell["execution_count"] = None
        kept = [_tidied(one) for one in cell["outputs"] if one.get("name") != "stderr"]
        cell["outputs"] = list(_joined(kept))
    notebook["metadata"].pop("widgets", None)
    notebook["metadata"][EXECUTED] = {"sources": sources(notebook), "p2p_market": __version__}


def _joined(outputs: list[Any]) -> Iterator[Any]:
    """What is printed in pieces, as one output."""
    for stream, pieces in groupby(outputs, key=lambda one: one["output_type"] == "stream"):
        if stream:
            first, *others = pieces
            for other in others:
                first["text"] = "".join([first["text"], other["text"]])
            yield first
        else:
            yield from pieces


def _tidied(output: Any) -> Any:
    if "execution_count" in output:
        output["execution_count"] = None
    if "text" in output:
        output["text"] = _plain(output["text"])
    if "text/plain" in output.get("data", {}):
        output["data"]["text/plain"] = _plain(output["data"]["text/plain"])
    return output


def _plain(text: str) -> str:
    for place in (ROOT, Path(sys.prefix), Path.home()):
        if f"{place}/" in text:
            raise ValueError(f"an output names {place}; change the cell that prints it: {text}")
    return TEMPORARY.sub("FOLDER", ESCAPE.sub("", PASSING.sub("", text)))


def main(paths: list[Path]) -> None:
    """Run and rewrite notebooks."""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
        execute(notebook, path.parent)
        tidy(notebook)
        nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
        print(path)


if __name__ == "__main__":
    main([Path(one).resolve() for one in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")))
