"""The baselines of the track, by name."""

from collections.abc import Mapping
from typing import Final

from p2p_market.track import Baseline

ROLE: Final = "battery"
RULE: Final = "dam-only"
"""The 0 of the scale."""


def _by(target: str, **how: bool) -> Baseline:
    return Baseline({ROLE: target}, **how)


_RULES: Final = "p2p_market.battery.rules.policy"

BASELINES: Final[Mapping[str, Baseline]] = {
    "dam-only": _by(f"{_RULES}:dam_only"),  # the 0 of the scale
    "reserve-first": _by(f"{_RULES}:reserve_first"),  # reserve before trade
    "random-masked": _by(f"{_RULES}:random_masked"),  # among what is possible
    "mpc-battery": _by("baselines.battery.mpc.policy:mpc_battery", slow=True),  # plans each hour
}
