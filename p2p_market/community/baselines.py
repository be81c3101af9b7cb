"""The baselines of the track, by name."""

from collections.abc import Mapping
from typing import Final

from p2p_market.track import Baseline

RULE: Final = "no-trade"
"""The 0 of the scale."""

TRUTHFUL: Final = "truthful"
"""The best of the plain rules, what others are measured against."""


def _by(target: str, **how: bool) -> Baseline:
    return Baseline({"prosumer": target}, **how)


_RULES, _MPC = "p2p_market.community.rules", "baselines.community.mpc"

BASELINES: Final[Mapping[str, Baseline]] = {
    "no-trade": _by(f"{_RULES}.policy:no_trade"),  # the 0 of the scale
    "truthful": _by(f"{_RULES}.policy:truthful"),  # orders at the price of the grid
    "zero-intelligence": _by(f"{_RULES}.zero_intelligence:constrained"),  # random prices
    "zip": _by(f"{_RULES}.zip:plus"),  # margins that learn
    "gjerstad-dickhaut": _by(f"{_RULES}.gjerstad_dickhaut:believing"),  # prices by belief
    # hedges and coalitions where a scenario has agreements; elsewhere it is `truthful`
    "contracting": _by(f"{_RULES}.contracting:contracting", benchmark=False),
    "storage-value": _by("baselines.community.storage_value.policy:bidder"),
    "random": _by(f"{_RULES}.random_actions:uniform"),  # random everything
    # each member plans on its own forecasts; one plan for all on the same forecasts
    "mpc-alone-warm": _by(f"{_MPC}.warm:alone", slow=True),
    "mpc-community-warm": _by(f"{_MPC}.warm:community", slow=True, centralised=True),
    # those of published boards, which solve from nothing in every hour and take six times as long;
    # `mpc-alone` is one program for all members, and ties make their plans depend on each other
    "mpc-alone": _by(f"{_MPC}.policy:alone", benchmark=False, slow=True, centralised=True),
    "mpc-community": _by(f"{_MPC}.policy:community", benchmark=False, slow=True, centralised=True),
    # one plan for all, on what will be
    "mpc-foresight": _by(
        f"{_MPC}.foresight:foresight",
        benchmark=False,
        slow=True,
        foresight=True,
        centralised=True,
    ),
}
"""In the order in which a benchmark plays them."""
