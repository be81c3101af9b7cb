"""Policies by name, role by role."""

from collections.abc import Mapping
from typing import Final

from p2p_market.track import Baseline
from p2p_market.wholesale.records import ROLES

RULE: Final = "default"
_RULES: Final = "p2p_market.wholesale.rules"


def _one(role: str, module: str) -> dict[str, str]:
    """Another rule for one role, the default for the others."""
    return _of(f"{_RULES}.default") | {role: f"{_RULES}.{module}:{role}"}


def _of(module: str) -> dict[str, str]:
    return {role: f"{module}:{role}" for role in ROLES}


BASELINES: Final[Mapping[str, Baseline]] = {
    RULE: Baseline(_of(f"{_RULES}.default")),
    "random": Baseline(_of(f"{_RULES}.chance")),
    "ladder": Baseline(_one("generator", "ladder")),
    "storage-value": Baseline(_one("storage", "storage_value")),
    "reserve-by-weather": Baseline(_one("operator", "reserve_by_weather")),
    # plans the day ahead in every hour
    "mpc": Baseline(_of("baselines.wholesale.mpc.policy"), slow=True, centralised=True),
}
