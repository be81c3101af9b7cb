"""Compiled functions: how they are declared, and where what was compiled is kept."""

from p2p_market.compilation.packed import Packed
from p2p_market.compilation.store import folder, inner, keep, keeps, kernel

__all__ = ["Packed", "folder", "inner", "keep", "keeps", "kernel"]
