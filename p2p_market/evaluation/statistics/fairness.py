"""How what a policy saves is shared."""

import numpy as np

from p2p_market.records import FloatArray


def jain_index(saved_eur: FloatArray) -> float:
    """Jain's fairness index of members' savings: 1 = equal, 1/n = one has all; nan if none saves.

    Losses count as no saving. Source: Jain, Chiu and Hawe (1984), "A quantitative measure of
    fairness and discrimination for resource allocation in shared computer systems", DEC-TR-301.

    Args:
        saved_eur: per member, (agent,) [EUR].
    """
    gained = np.maximum(saved_eur, 0.0)
    squares = float((gained * gained).sum())
    return float(gained.sum() ** 2 / (len(gained) * squares)) if squares > 0.0 else float("nan")


def worse_off_share(alone_eur: FloatArray, own_eur: FloatArray) -> FloatArray:
    """Share of members that pay more than alone with the grid, (batch,).

    Args:
        alone_eur: private cost under the no-trade rule, (batch, agent) [EUR].
        own_eur: private cost under the policy, (batch, agent) [EUR].
    """
    share: FloatArray = (own_eur > alone_eur + 1e-6).mean(axis=1)
    return share
