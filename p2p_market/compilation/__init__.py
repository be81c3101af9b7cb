"""Compiled functions: how they are declared, and where what was compiled is kept."""

from p2p_market.compilation.store import folder, keep, keeps, kernel

__all__ = ["folder", "keep", "keeps", "kernel"]
