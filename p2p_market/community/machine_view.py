"""What members see of their machines: appended to an observation where a scenario has some."""

from typing import Final

from p2p_market.assets.machine import keeping
from p2p_market.assets.node import limits_of_one
from p2p_market.community.safety.sensors import LEVELS
from p2p_market.community.scenario.laws import machine_year
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import inner
from p2p_market.data.forecast import HORIZONS_H, PERSISTENCE
from p2p_market.track import Feature

NOW: Final = 7
_LOW, _HIGH, _KEEP, _DRIFT, _CHARGE_SHARE, _RUNNING, _SOH = range(NOW)
PER_MACHINE: Final = NOW + len(HORIZONS_H)


def machine_features(scenario: Scenario) -> list[Feature]:
    """Per device: limits of the step, the power that keeps its level, what the world does and will.

    The drift to come is what training days had at that time, and a share of how far the present is
    from its own expectation.
    """
    nodes, year = scenario.nodes, machine_year(scenario)
    table = []
    for k in range(nodes.present.shape[1]):
        low, high = float(nodes.power_min_kw[:, k].min()), float(nodes.power_max_kw[:, k].max())
        most_kw = float(year.most_kwh[:, k].max()) / scenario.dt_h
        table += [
            Feature(f"power_low_{k}", "kW", low, high),
            Feature(f"power_high_{k}", "kW", low, high),
            Feature(f"power_keep_{k}", "kW", low, high),
            Feature(f"drift_{k}", "kW", -most_kw, most_kw),
            Feature(f"charge_share_{k}", "1", 0.0, float(year.most_charge_share[:, k].max())),
            Feature(f"running_{k}", "1", 0.0, 1.0),
            Feature(f"soh_{k}", "1", 0.0, 1.0),
        ]
        for hours, share in zip(HORIZONS_H, PERSISTENCE, strict=True):
            most = (1.0 + 2.0 * share) * most_kw
            table.append(Feature(f"drift_in_{hours}h_{k}", "kW", -most, most))
    return table


@inner(forceinline=True)
def show_machines(rules, machines, outlook, moment, around, told, state, b, i, first, out):  # type: ignore[no-untyped-def]
    """Write the features of a member's machines from a place on; returns the place after them.

    Nothing where all devices are plain stores.
    """
    if machines is None:
        return first
    nodes, assets, w, t = rules.nodes, rules.nodes.target_kwh.shape[1], moment.slot[b], moment.t
    for k in range(assets):
        own = out[b, i, first + PER_MACHINE * k :]
        level, last = told[b, i, LEVELS + k], state.setpoint_kw[b, i, k]
        low, high = limits_of_one(nodes, around, level, last, b, i, k)
        own[_LOW] = low
        own[_HIGH] = high
        own[_KEEP] = keeping(nodes, around, level, b, i, k)
        drift = around.world.drift_kwh[b, i, k]
        own[_DRIFT] = drift / rules.dt_h
        own[_CHARGE_SHARE] = around.world.charge_share[b, i, k]
        own[_RUNNING] = 1.0 if last != 0.0 else 0.0
        own[_SOH] = machines.soh[i, k]
        unusual = drift - outlook.expected_drift_kwh[t, w, i, k]
        for h in range(rules.ahead.shape[0]):
            then = outlook.expected_drift_kwh[t + rules.ahead[h], w, i, k]
            own[NOW + h] = (then + rules.share[h] * unusual) / rules.dt_h
    return first + PER_MACHINE * assets
