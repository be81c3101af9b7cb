"""`p2p-market`, and `python -m p2p_market`: Ctrl-C is heard from the first moment on."""

import sys

from p2p_market.evaluation.interruption import ask_again, exit_code, listening


def main() -> None:
    """Import the commands, which takes its time, and run one."""
    with listening():
        try:
            from p2p_market.cli import app

            ask_again()
            app()
        except KeyboardInterrupt:
            sys.exit(exit_code() or 130)


if __name__ == "__main__":
    main()
