"""What agents sent, as the step of a track can use it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market.records import BoolArray, FloatArray, Role


def screened(role: Role, actions: NDArray[Any]) -> tuple[FloatArray, BoolArray]:
    """Actions within their ranges, and which agents sent an action at all, (batch, agent).

    Numbers are clipped to [-1, 1]. An agent rests that sent NaN or an infinite number, or in a
    column of choices anything but an index of one. A choice that is masked stays: the track knows
    which one comes next.

    Args:
        role: whose actions they are.
        actions: (batch, agent, column).
    """
    choices = np.array([column.choices for column in role.columns])
    index = (actions >= 0) & (actions < choices) & (actions == np.floor(actions))
    sent = np.asarray(np.where(choices > 0, index, np.isfinite(actions)).all(axis=-1))
    sound = np.where(sent[..., None], actions, role.rest).astype(np.float64)
    return np.where(choices > 0, sound, np.clip(sound, -1.0, 1.0)), sent
