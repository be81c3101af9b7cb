"""What each number of an observation and of the joint state means, in a few words."""

import re
from collections.abc import Mapping
from typing import Final

from p2p_market.community.coordination.meanings import AGREED

OBSERVED: Final[Mapping[str, str]] = {
    "soc": "level of the asset, as a share of its capacity; 0 while a vehicle is away",
    "capacity": "capacity of the asset; 0 if there is none",
    "power_max": "highest charging power; 0 while a vehicle is away",
    "hours_left": "hours until the vehicle leaves; 0 while it is away, and for a battery",
    "target_soc": "level that the vehicle needs when it leaves; 0 for a battery",
    "load": "own load in this step",
    "pv": "own PV power in this step",
    "last_fill": "power traded in the step before, > 0 bought, < 0 sold",
    "fallback": "1: the supervisor holds the agent in this step, whatever it sends",
    "retail": "price of energy bought from the grid",
    "feed_in": "price of energy sold to the grid",
    "network_fee": "fee on each side of a trade with a neighbour",
    "carbon_cost": "cost of the emissions of energy from the grid",
    "co2_intensity": "emissions of energy from the grid",
    "last_clearing_price": "price of the last step in which anything was traded",
    "time_left": "share of the episode that is left",
    "load_in": "forecast of the own load, so many hours ahead",
    "load_band": "half-width of the 80 % interval of that forecast",
    "pv_in": "forecast of the own PV power, so many hours ahead",
    "pv_band": "half-width of the 80 % interval of that forecast",
    "retail_in": "retail price so many hours ahead, published or that of the day before",
    "retail_band": "half-width of the 80 % interval of that price; 0 once it is published",
    "feed_in_in": "feed-in tariff so many hours ahead, published or that of the day before",
    "feed_in_band": "half-width of the 80 % interval of that tariff; 0 once it is published",
    "grid": "1: the grid is there, 0: an outage",
    "power_low": "lowest power of the device in this step, tube, ramp and least load counted",
    "power_high": "highest power of the device in this step, tube, ramp and least load counted",
    "power_keep": "power nearest 0 that keeps the level of the device inside its tube",
    "drift": "what the world puts into the level of the device in this step, < 0 takes out",
    "charge_share": "factor of what charging stores in this step, as of a heat pump's COP",
    "running": "1: the device ran in the step before",
    "soh": "state of health of the device, what is left of its capacity; 0 if there is none",
    "drift_in": "forecast of what the world puts in, so many hours ahead",
    "temperature": "temperature of the air outside",
    "temperature_in": "forecast of that temperature, so many hours ahead",
    "wind_speed": "wind of the region at the height of a hub",
    "wind_speed_in": "forecast of that wind, so many hours ahead",
    "irradiance": "light of the region on a horizontal plane",
    "irradiance_in": "forecast of that light, so many hours ahead",
    "board_kind": "kind of the largest device of the next neighbour along the line, by its number",
    "board_capacity": "what all devices of that neighbour can give or take",
    "board_fill": "power that neighbour traded in the step before, > 0 bought, < 0 sold",
    "board_shade": "mean place of its order prices in the last day, -0.5 at its floor, 0.5 at its "
    "cap; 0 without an order",
    "sentiment": "bids less asks of the step before, as a share of both; 0 without an order",
    "profit": "what trading brought in so many hours or days, against the same net load without",
    "cost": "own bill of so many hours, all entries counted",
    "success": "share of the own orders of so many hours in whose steps trading gained",
    "roi": "what trading brought so far per money that moved; 0 below 1 EUR",
    "sharpe": "mean of the daily gains of trading over their spread, for a year; 0 before two days",
    "max_drawdown": "deepest fall of the summed gains below their highest value so far",
    "cvar": "mean gain of the worst tenth of the hours so far",
    "rating": "what all own devices can give or take",
    "production": "what own devices gave in the step before, storage counted",
    "consumption": "what own load and devices took in the step before",
    "net_load": "own consumption less production in the step before",
    "voltage": "voltage at the own connection in the step before",
    "voltage_low": "lowest voltage of all members in the step before",
    "voltage_high": "highest voltage of all members in the step before",
    "line_loading": "loading of the fullest line on the way to the transformer in the step before",
    "fuel_price": "price of fuel that is ordered today; 0 for who orders none",
    "service_left": "hours of maintenance that are left, while it lasts",
    "service_wait": "hours until maintenance begins by itself; 0 once it has begun, or without",
    "fuel_under_way": "fuel that is ordered and has not arrived",
    **AGREED,
}
"""Name without the number of the asset or of the hours -> meaning."""

JOINT: Final[Mapping[str, str]] = {
    "load": "load of all agents",
    "pv": "PV power of all agents",
    "soc": "stored energy of the agent, as a share of its capacity",
    "idle_net_load": "load less PV of the agent, as if its storage rested",
    "retail": "price at which the agent buys from the grid",
}
"""What is another thing in the joint state; name without the agent -> meaning."""

PERIODS: Final = {"day": "hour of the day", "week": "day of the week", "year": "day of the year"}
WAVES: Final = {"sin": "sine", "cos": "cosine"}


def meaning(name: str, joint: bool = False) -> str:
    """Of a feature of the observation, or of the joint state."""
    wave, _, period = name.partition("_")
    if wave in WAVES:
        return f"{WAVES[wave]} of the {PERIODS[period]}"
    stem = re.sub(r"^prosumer_[0-9]+_|(_[0-9]+[hd])?(_[0-9]+)?$", "", name)
    return (JOINT.get(stem) if joint else None) or OBSERVED[stem]
