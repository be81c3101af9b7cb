"""Run a notebook, which then holds its outputs; an argument names its file."""

import sys
from pathlib import Path

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

SECONDS = 900  # after which a cell hangs; none takes a tenth of it


def main(path: Path) -> None:
    here = KernelSpecManager(kernel_dirs=[])  # this Python, whatever the machine has registered
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=here)
    notebook = nbformat.read(path, as_version=4)
    folder = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, km=kernel, timeout=SECONDS, resources=folder).execute()
    nbformat.write(notebook, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
