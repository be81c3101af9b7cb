"""Tracks: who the agents are and which environment they meet. `TRACKS` lists them."""

from collections.abc import Callable, Mapping
from typing import Final

from p2p_market.community.envs.env import CommunityEnv

TRACKS: Final[Mapping[str, Callable[..., CommunityEnv]]] = {
    "community": CommunityEnv,  # prosumers and consumers, P2P auction, grid fallback
}
"""Name of a track -> environment over the engine."""
