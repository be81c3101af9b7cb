"""Rows of prosumers for Gymnasium: `ProsumerVectorEnv(p2p_market.make_batch(...))`."""

from p2p_market.kit.vector import BatchVectorEnv as ProsumerVectorEnv

__all__ = ["ProsumerVectorEnv"]
