"""`p2p-market`, and `python -m p2p_market`: Ctrl-C works from the first moment on."""

import os
import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `-m` puts the current folder first; whatever lies there, Python's own modules are meant
    sys.path.pop(0)
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if root not in sys.path:
        sys.path.append(root)

from p2p_market.evaluation.running.interruption import exit_code, listening, patiently


def main() -> None:
    """Import the commands, which takes its time, and run one."""
    with listening():
        try:
            with patiently():
                from p2p_market.commands.app import app
            app()
        except KeyboardInterrupt:
            sys.exit(exit_code() or 130)


if __name__ == "__main__":
    main()
