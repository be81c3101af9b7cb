"""The columns in which members speak of agreements; further columns of an action."""

from typing import Final

import numpy as np

from p2p_market.community.coordination.records import BACKUP, COALITION, FORWARD, SLOTS
from p2p_market.community.scenario.record import Scenario
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.records import FloatArray

NUMBERS: Final = {"forward": FORWARD, "backup": BACKUP, "coalition": COALITION}
"""Groups that are proposed, and their kinds."""


def words(scenario: Scenario) -> tuple[tuple[str, str, FloatArray, FloatArray], ...]:
    """Name, unit, least and largest value (agent,) of each further column; 0 says nothing."""
    setting = scenario.spec.coordination
    if setting is None:
        return ()
    n, groups = len(scenario.agents), setting.columns
    bilateral = "forward" in groups or "backup" in groups
    proposes = bilateral or "coalition" in groups
    bins = float(1 + sum(group in groups for group in NUMBERS))
    limit = scenario.spec.connection_limit_kw
    table: list[tuple[str, str, float, float]] = []
    if proposes:
        table.append(("propose", "1", 0.0, bins))
    table.append(("peer", "1", 0.0, float(n)))
    if bilateral:
        table += [
            ("agreed_quantity", "kW", -setting.max_kw, setting.max_kw),
            ("agreed_price", "EUR/kWh", 0.0, scenario.spec.price_max_eur_per_kwh),
        ]
    if "backup" in groups:
        table.append(("premium", "EUR", 0.0, setting.max_premium_eur))
    if bilateral:
        table.append(("starts_in", "h", 0.0, setting.ahead_h))
    if proposes:
        table.append(("lasts", "h", 0.0, setting.max_h))
        table += [(f"answer_{slot}", "1", -1.0, 1.0) for slot in range(SLOTS)]
    if "backup" in groups:
        table.append(("call", "1", 0.0, 1.0))
    if "forecast" in groups:
        table += [(f"forecast_{h}h", "kW", -limit, limit) for h in HORIZONS_H]
        table.append(("share_forecast", "1", 0.0, 3.0))
    return tuple((name, unit, np.full(n, low), np.full(n, high)) for name, unit, low, high in table)
