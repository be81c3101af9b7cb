"""Builds the site: `python -m tools.site [FOLDER]`, what `make docs` runs.

The pages of a version stand in a folder of their own, beside those of other versions, so that a
link to one stays true; the boards of seasons stand beside them too. Every warning is an error, a
link that leads nowhere among them.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from p2p_market import __version__
from p2p_market.files import write_bytes
from tools.site import boards
from tools.site.pages import gather
from tools.site.versions import names, redirect

HERE = Path(__file__).resolve().parent


def main(folder: Path) -> int:
    """Build into FOLDER/<version>/.

    Returns:
        The exit code of Sphinx; the pages that were there stay if it is not 0.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as temporary:
        source, built = Path(temporary, "source"), Path(temporary, "built")
        gather(source)
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
        command += ["-j", "auto", "-c", str(HERE), "-d", str(Path(temporary, "doctrees"))]
        code = subprocess.run([*command, str(source), str(built)], check=False).returncode
        if code:
            return code
        place = folder / __version__
        shutil.rmtree(place, ignore_errors=True)
        built.rename(place)
    boards.build(folder)
    write_bytes(folder / "versions.json", names(folder))
    write_bytes(folder / "index.html", redirect(folder))
    print(f"{place / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(*sys.argv[1:]) if sys.argv[1:] else Path("build", "docs")))
