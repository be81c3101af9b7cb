"""The step as it runs: compiled, in place, over arrays that a board owns."""

from p2p_market.community.fused.boards import Board, board

__all__ = ["Board", "board"]
