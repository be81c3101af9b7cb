"""Policies by name, role by role."""

from collections.abc import Mapping
from typing import Final

from p2p_market.track import Baseline
from p2p_market.wholesale.records import ROLES

RULE: Final = "default"


def _of(module: str) -> dict[str, str]:
    return {role: f"{module}:{role}" for role in ROLES}


BASELINES: Final[Mapping[str, Baseline]] = {
    RULE: Baseline(_of("p2p_market.wholesale.rules.default")),
    "random": Baseline(_of("p2p_market.wholesale.rules.chance")),
}
