"""Names, units and ranges of what each role sees; `observation` writes them in this order."""

from functools import lru_cache
from typing import Final

from p2p_market.grid.frequency import NOMINAL_HZ
from p2p_market.track import Feature
from p2p_market.wholesale.actions import LEVELS, RESPONSE_PRICES, STORAGE_PRICES
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH, LONGEST_AWAY_H, RESERVE_LEVELS
from p2p_market.wholesale.scenario import Scenario
from p2p_market.wholesale.schema import (
    BUSES,
    KINDS,
    MOST_CONSUMERS,
    MOST_STORAGES,
)

WIDTHS: Final = {"generator": 64, "storage": 48, "consumer": 40, "operator": 80}
FORECASTS: Final = ("15min", "1h", "3h", "12h", "24h")
CHEAPEST: Final = 6
"""Offers that the operator sees."""


class _Ranges:
    """Extremes of quantities, over all agents of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Take them from the scenario."""
        spec, rules, fleet = scenario.spec, scenario.rules, scenario.fleet
        self.price = (rules.floor, rules.cap)
        self.unit_mw = float(fleet.max_mw.max())
        self.units_mw = float(fleet.max_mw.sum())
        self.power_mw = float(fleet.power_mw.max())
        self.capacity_mwh = float(fleet.capacity_mwh.max())
        consumers = spec.consumers
        rise = 1.0 + max(0.0, *(float(one.working_hours) for one in consumers))
        self.firm_mw = rise * max(float(one.firm_mw) for one in consumers)
        self.flexible_mw = rise * float(fleet.flexible_mw.max())
        self.recovery_mw = float(fleet.recovery_mw.max())
        self.backlog_mwh = float(fleet.most_backlog_mwh.max())
        firm = rise * sum(float(one.firm_mw) for one in consumers)
        self.load_mw = firm + rise * float(fleet.flexible_mw.sum())
        self.served_mw = self.load_mw + float(fleet.recovery_mw.sum())
        dearest = max(rules.cap, -rules.floor) + float(fleet.cost.max()) + rules.dumped
        most_mw = max(self.unit_mw, self.power_mw, self.served_mw)
        self.step_eur = rules.dt_h * most_mw * (dearest + 2.0 * rules.response)
        self.storage_eur = self.step_eur + float((fleet.terminal * fleet.capacity_mwh).max())
        lost = rules.dt_h * rules.lost_load * (self.served_mw + 2.0 * (self.units_mw + firm))
        kept = float((fleet.most_backlog_mwh * (rules.backlog + fleet.discomfort)).max())
        self.bill_eur = self.step_eur + lost + kept
        hz = rules.frequency * 2.0 * rules.relay_hz + rules.voltage * BUSES
        self.cost_eur = len(scenario.agents) * (self.bill_eur + self.storage_eur) + hz
        self.response_eur = rules.dt_h * rules.response * 2.0 * self.power_mw
        self.room_mw = self.units_mw + float(fleet.power_mw.sum()) * 2.0 + self.served_mw
        self.emissions = float(fleet.emissions.max())
        self.relay_hz = rules.relay_hz


@lru_cache(maxsize=16)
def features(scenario: Scenario, role: str) -> tuple[Feature, ...]:
    """Name, unit and range of each number that a role sees."""
    ranges = _Ranges(scenario)
    public = _public(ranges)
    made = {
        "generator": lambda: (*public, *_generator(scenario, ranges)),
        "storage": lambda: (*public, *_storage(scenario, ranges)),
        "consumer": lambda: (*_short(public), *_consumer(scenario, ranges)),
        "operator": lambda: (*public, *_operator(scenario, ranges)),
    }[role]()
    assert len(made) == WIDTHS[role]
    return made


def _public(ranges: _Ranges) -> tuple[Feature, ...]:
    price, load = ranges.price, (-ranges.units_mw, ranges.load_mw)
    return (
        *(Feature(f"price_{k}_ago", "EUR/MWh", *price) for k in range(1, 13)),
        Feature("price_mean_3h", "EUR/MWh", *price),
        Feature("price_mean_24h", "EUR/MWh", *price),
        Feature("price_yesterday", "EUR/MWh", *price),
        Feature("price_yesterday_in_1h", "EUR/MWh", *price),
        *(Feature(f"net_load_forecast_{name}", "MW", *load) for name in FORECASTS),
        Feature("net_load", "MW", *load),
        Feature("demand", "MW", 0.0, ranges.load_mw),
        Feature("renewable_output", "MW", 0.0, ranges.units_mw),
        Feature("hour_sin", "1", -1.0, 1.0),
        Feature("hour_cos", "1", -1.0, 1.0),
        Feature("working_day", "1", 0.0, 1.0),
        Feature("time_left", "1", 0.0, 1.0),
        Feature("lowest_frequency", "Hz", NOMINAL_HZ - ranges.relay_hz, NOMINAL_HZ),
        Feature("highest_frequency", "Hz", NOMINAL_HZ, NOMINAL_HZ + ranges.relay_hz),
        Feature("system_state", "1", 0.0, 2.0),
        Feature("reserve_level", "1", 0.0, RESERVE_LEVELS - 1.0),
    )


HIDDEN: Final = (
    *(f"price_{k}_ago" for k in range(7, 13)),
    "price_yesterday_in_1h",
    "reserve_level",
)
"""Public features that consumers do not see."""


def _short(public: tuple[Feature, ...]) -> tuple[Feature, ...]:
    return tuple(one for one in public if one.name not in HIDDEN)


def _generator(scenario: Scenario, ranges: _Ranges) -> tuple[Feature, ...]:
    unit, money = ranges.unit_mw, (-ranges.step_eur, ranges.step_eur)
    cost = float(scenario.fleet.cost.max())
    low, high = scenario.rules.floor - cost, scenario.rules.cap
    return (
        Feature("available", "MW", 0.0, unit),
        Feature("lower_bound", "MW", 0.0, unit),
        Feature("upper_bound", "MW", 0.0, unit),
        Feature("output", "MW", 0.0, unit),
        Feature("marginal_cost", "EUR/MWh", 0.0, max(cost, 1.0)),
        Feature("emission_factor", "t/MWh", 0.0, max(ranges.emissions, 1.0)),
        Feature("ramp", "MW", 0.0, unit),
        Feature("minimum", "MW", 0.0, unit),
        Feature("last_bid", "EUR/MWh", 0.0, LEVELS_EUR_PER_MWH[LEVELS - 1]),
        Feature("last_share", "1", 0.0, 1.0),
        Feature("last_profit", "EUR", *money),
        *(Feature(f"available_forecast_{name}", "MW", 0.0, unit) for name in FORECASTS[1:]),
        *(Feature(f"is_{kind}", "1", 0.0, 1.0) for kind in KINDS),
        Feature("since_outage", "h", 0.0, LONGEST_AWAY_H),
        Feature("thermal_available", "MW", 0.0, ranges.units_mw),
        Feature("last_offer", "MW", 0.0, unit),
        Feature("last_response", "MW", 0.0, unit),
        *(Feature(f"fill_{k}_ago", "MW", 0.0, unit) for k in range(1, 7)),
        Feature("mean_profit_1h", "EUR", *money),
        Feature("last_margin", "EUR/MWh", low, high),
        Feature("carbon_price", "EUR/t", 0.0, max(scenario.rules.carbon, 1.0)),
    )


def _storage(scenario: Scenario, ranges: _Ranges) -> tuple[Feature, ...]:
    power, money = ranges.power_mw, (-ranges.storage_eur, ranges.storage_eur)
    return (
        Feature("level", "MWh", 0.0, ranges.capacity_mwh),
        Feature("capacity", "MWh", 0.0, ranges.capacity_mwh),
        Feature("most_charge", "MW", 0.0, power),
        Feature("most_discharge", "MW", 0.0, power),
        Feature("power", "MW", -power, power),
        Feature("last_response_up", "MW", 0.0, 2.0 * power),
        Feature("last_response_down", "MW", 0.0, 2.0 * power),
        Feature("wear", "EUR/MWh", 0.0, max(1.0, float(scenario.fleet.wear.max()))),
        Feature("round_trip", "1", 0.0, 1.0),
        Feature("last_limit", "EUR/MWh", min(0.0, STORAGE_PRICES[0]), STORAGE_PRICES[1]),
        Feature("last_filled_share", "1", 0.0, 1.0),
        Feature("last_profit", "EUR", *money),
        Feature("mean_profit_1h", "EUR", *money),
        Feature("mean_price_stored", "EUR/MWh", *ranges.price),
        Feature("terminal_value", "EUR/MWh", 0.0, max(1.0, float(scenario.fleet.terminal.max()))),
        Feature("response_income_1h", "EUR", 0.0, 12.0 * ranges.response_eur),
    )


def _consumer(scenario: Scenario, ranges: _Ranges) -> tuple[Feature, ...]:
    flexible, served = ranges.flexible_mw, ranges.flexible_mw + ranges.recovery_mw
    comfort = max(float(one.comfort) for one in scenario.spec.consumers)
    money = (-ranges.bill_eur, ranges.bill_eur)
    return (
        Feature("firm_forecast", "MW", 0.0, ranges.firm_mw),
        Feature("flexible_forecast", "MW", 0.0, flexible),
        Feature("flexible_forecast_1h", "MW", 0.0, flexible),
        Feature("flexible_forecast_3h", "MW", 0.0, flexible),
        Feature("backlog", "MWh", 0.0, max(1.0, ranges.backlog_mwh)),
        Feature("most_backlog", "MWh", 0.0, max(1.0, ranges.backlog_mwh)),
        Feature("most_recovery", "MW", 0.0, max(1.0, ranges.recovery_mw)),
        Feature("flexible_served", "MW", 0.0, served),
        Feature("last_adjustment", "1", 0.0, 1.0),
        Feature("last_response_price", "EUR/MWh", RESPONSE_PRICES[0], RESPONSE_PRICES[1]),
        Feature("last_reduced_share", "1", 0.0, 1.0),
        Feature("discomfort", "EUR/MWh/h", 0.0, 5.0),
        Feature("comfort", "1", 0.0, max(comfort, 1.0)),
        Feature("last_bill", "EUR", *money),
        Feature("mean_bill_1h", "EUR", *money),
        Feature("solar_share", "1", 0.0, 1.0),
    )


def _operator(scenario: Scenario, ranges: _Ranges) -> tuple[Feature, ...]:
    most, price = ranges.room_mw, ranges.price
    buses = range(BUSES)
    return (
        *(Feature(f"voltage_{bus}", "pu", 0.0, 1.5) for bus in buses),
        *(Feature(f"net_load_{bus}", "MW", -most, most) for bus in buses),
        *(Feature(f"response_up_{name}", "MW", 0.0, most) for name in PROVIDERS),
        *(Feature(f"response_down_{name}", "MW", 0.0, most) for name in PROVIDERS[:-1]),
        *(
            feature
            for k in range(1, CHEAPEST + 1)
            for feature in (
                Feature(f"offer_{k}_price", "EUR/MWh", *price),
                Feature(f"offer_{k}", "MW", 0.0, ranges.unit_mw),
            )
        ),
        *(Feature(f"level_{k}", "MWh", 0.0, ranges.capacity_mwh) for k in range(MOST_STORAGES)),
        *(
            Feature(f"power_{k}", "MW", -ranges.power_mw, ranges.power_mw)
            for k in range(MOST_STORAGES)
        ),
        *(Feature(f"backlog_{k}", "MWh", 0.0, ranges.backlog_mwh) for k in range(MOST_CONSUMERS)),
        Feature("disturbance", "MW", 0.0, most),
        Feature("tap", "1", -2.0, 2.0),
        Feature("high_voltage", "pu", 0.9, 1.1),
        Feature("lost_load", "MW", 0.0, most),
        Feature("shed_load", "MW", 0.0, most),
        Feature("co2_intensity", "t/MWh", 0.0, max(ranges.emissions, 1.0)),
        Feature("renewable_share", "1", 0.0, 1.0),
        Feature("last_cost", "EUR", -ranges.cost_eur, ranges.cost_eur),
    )


PROVIDERS: Final = ("thermal", "inverters", "storages", "flexible")
"""Groups of response that the operator sees; flexible load responds upwards alone."""
