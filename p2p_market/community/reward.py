"""Reward: minus the private bill, with weights on what the bill does not show."""

import numpy as np

from p2p_market.community.records import LEDGER_COLUMN, LEDGER_ENTRIES, Ledger
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.records import FloatArray


@kernel(forceinline=True)
def reward_kernel(entries, weights, share, out):  # type: ignore[no-untyped-def]
    """See `rewards`."""
    agents = entries.shape[1]
    for b in range(entries.shape[0]):
        total = 0.0
        for i in range(agents):
            own = 0.0
            for entry in range(entries.shape[2]):
                own -= weights[entry] * entries[b, i, entry]
            out[b, i] = own
            total += own
        for i in range(agents):
            out[b, i] = (1.0 - share) * out[b, i] + share * (total / agents)


def rewards(scenario: Scenario, ledger: Ledger) -> FloatArray:
    """Reward of each agent in one step, (batch, agent) [EUR].

    Minus the ledger row, carbon and overload weighted as the scenario says, mixed with the
    community's mean by `community_share`. With weights of one and no filter penalty the rewards of
    an episode sum to minus the social cost less the market operator's balance.
    """
    out = np.empty(ledger.entries_eur.shape[:2])
    share = scenario.spec.reward.community_share
    reward_kernel(ledger.entries_eur, weights(scenario), share, out)
    return out


def weights(scenario: Scenario) -> FloatArray:
    """Weight of each ledger entry in the reward, (entry,)."""
    setting = scenario.spec.reward
    each = np.ones(len(LEDGER_ENTRIES))
    each[LEDGER_COLUMN["carbon"]] = setting.carbon_weight
    each[LEDGER_COLUMN["overload"]] = setting.overload_weight
    return each
