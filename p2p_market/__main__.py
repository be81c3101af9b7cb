"""`python -m p2p_market` is `p2p-market`."""

from p2p_market.cli import app

if __name__ == "__main__":
    app()
