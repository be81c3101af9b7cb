"""The command line in a process group of its own, and who of a group is alive."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LISTENING = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('p2p_market', run_name='__main__', alter_sys=True)"
)
"""A shell's background job is started deaf to Ctrl-C, and so would be what it starts."""


def of_group(leader: int) -> set[int]:
    """Processes that are alive in the group of a process."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] != "Z":
            found.add(int(folder.name))
    return found
