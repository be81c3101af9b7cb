"""The command that starts a stranger's program: what it sees, and nothing else.

Inside are the interpreter, the wheels of `wheels`, the C library, and a folder for temporary files
in memory. There is no /proc, no /sys, no network, no other process, and no random number of the
system: /dev/urandom is a file that follows from the package.
"""

import os
import platform
import shutil
from pathlib import Path
from typing import Final

from leaderboard.sandbox.code import wheels
from p2p_market.errors import P2PMarketError

PROGRAM: Final = "bwrap"
MEND: Final = "install it: apt-get install bubblewrap"
_ADMINISTRATOR: Final = 21  # CAP_SYS_ADMIN
PREFIX, WHEELS, INSIDE = "/opt/python", "/opt/wheels", "/opt/inside.py"
FOLDERS: Final = (
    "/usr", "/usr/lib", "/opt", PREFIX, f"{PREFIX}/bin", f"{PREFIX}/lib", WHEELS, "/dev"
)  # fmt: skip
TEMPORARY_BYTES: Final = 64 * 2**20
SYSTEM: Final = (
    f"/usr/lib/{platform.machine()}-linux-gnu",
    "/usr/lib64",
    "/lib64",
    f"/lib/{platform.machine()}-linux-gnu",
)
"""Where the C library and what it loads may lie."""
ENVIRONMENT: Final = {
    "PATH": "/nowhere",
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHOME": PREFIX,
    "PYTHONPATH": WHEELS,
    "LD_LIBRARY_PATH": f"{PREFIX}/lib",
    "MALLOC_ARENA_MAX": "1",
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
}


def found() -> str:
    """The program of bubblewrap.

    Raises:
        P2PMarketError: if it is not installed.
    """
    if (program := shutil.which(PROGRAM)) is None:
        raise P2PMarketError(f"code is played inside bubblewrap, which is not installed; {MEND}")
    return program


def is_mighty() -> bool:
    """Whether this is root, as it is outside a container: it can mount without a namespace."""
    if os.geteuid() != 0:
        return False
    status = Path("/proc/self/status").read_text("ascii")
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("CapEff"))
    return bool(int(mask, 16) >> _ADMINISTRATOR & 1)


def arguments(information: int, noise: int) -> list[str]:
    """Everything that bubblewrap is told, but for the program that it starts.

    Args:
        information: number of the file to which it says what it started.
        noise: number of the file that is /dev/urandom inside.
    """
    told = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"]
    if is_mighty():  # root mounts, then becomes nobody in a namespace of its own
        told += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        told += ["--unshare-user", "--uid", "65534", "--gid", "65534"]
    told += ["--cap-add", "CAP_SYS_ADMIN"]  # until it has bounded its folder, see `inside`
    told += ["--hostname", "seat", "--die-with-parent", "--new-session", "--as-pid-1"]
    told += ["--info-fd", str(information), "--clearenv"]
    for name, value in ENVIRONMENT.items():
        told += ["--setenv", name, value]
    for folder in FOLDERS:  # else root's own
        told += ["--perms", "0755", "--dir", folder]
    for folder in SYSTEM:
        told += _shown(Path(folder))
    for name, place in wheels.interpreter().items():
        told += ["--ro-bind", str(place), f"{PREFIX}/{name}"]
        if (place / "site-packages").is_dir():
            told += ["--tmpfs", f"{PREFIX}/{name}/site-packages"]
            told += ["--remount-ro", f"{PREFIX}/{name}/site-packages"]
    for name, place in wheels.places().items():
        told += ["--ro-bind", str(place), f"{WHEELS}/{name}"]
    told += ["--ro-bind", str(Path(__file__).with_name("inside.py")), INSIDE]
    told += ["--dev-bind", "/dev/null", "/dev/null"]
    told += ["--perms", "0444", "--ro-bind-data", str(noise), "/dev/urandom"]
    told += ["--perms", "1777", "--size", str(TEMPORARY_BYTES), "--tmpfs", "/tmp"]
    return [*told, "--remount-ro", "/", "--chdir", "/tmp"]


def command() -> list[str]:
    """The program inside."""
    (program,) = (name for name in wheels.interpreter() if name.startswith("bin/"))
    return [f"{PREFIX}/{program}", "-P", "-s", "-S", INSIDE]


def _shown(folder: Path) -> list[str]:
    """A folder of the system, or the link that it is."""
    if not folder.is_dir():
        return []
    for part in (*reversed(folder.parents), folder):
        if part.is_symlink():
            target = os.readlink(part)
            return [] if part.name == "" else ["--symlink", target, str(part)]
    return ["--ro-bind", str(folder), str(folder)]
