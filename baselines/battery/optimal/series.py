"""What the program of an episode is filled with: prices, limits, and where whole numbers count."""

from dataclasses import dataclass

import numpy as np

from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.records import COLUMN, TIERS
from p2p_market.battery.scenario import Scenario
from p2p_market.battery.settlement import DELIVERED, TRANCHE_MW
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Data:
    """Numbers of one episode, (step, agent) unless they say otherwise."""

    buy: FloatArray  # EUR/MWh at once
    sell: FloatArray
    buys_intraday: FloatArray  # (step, 1), 1 where buying moves the intraday price, else 0
    sells_intraday: FloatArray
    day_ahead: FloatArray
    position_eur_per_h: FloatArray  # of the given position
    bought_mw: FloatArray  # (hour, agent), given position; a day longer than the episode
    sold_mw: FloatArray  # (hour, agent)
    capacity: FloatArray  # EUR/MW/h of accepted reserve
    energy: FloatArray  # EUR/MWh of called reserve, negative = earned
    ready_mw: FloatArray  # most reserve where it is not called
    called_mw: FloatArray  # most reserve where it is: then nothing else is traded
    up: FloatArray  # 1 where reserve is called up
    down: FloatArray
    partly_mw: FloatArray  # most reserve that may be undelivered, where the level can end it
    either_way_mw: FloatArray  # where buying and selling at once would pay
    both_ways_mw: FloatArray  # where a position in both directions would, if it is bid
    missing: FloatArray  # (1, agent), EUR/MWh stored of what lacks at the end
    over: FloatArray  # (1, agent), of what is left
    tier: IntArray  # (step,), dearest that is accepted


def data_of(scenario: Scenario, episode: Episode) -> Data:
    """The numbers of an episode, a batch of one.

    Raises:
        OptimumError: if a price is beyond a penalty, so that breaking a promise could pay.
    """
    rules, fleet = scenario.rules, scenario.fleet
    eta, wear, power = fleet.eta, fleet.wear, fleet.power_mw
    market = episode.market[0, 1 : scenario.steps + 1]
    now = {name: market[:, place, None] for name, place in COLUMN.items()}
    call = now["mfrr_call"]
    sold, bought = call > 0.5, (call < -0.5) | (call > 1.5)
    half = now["spread"] / 2.0
    buy = np.where(bought, now["mfrr_down"], now["intraday"] + half)
    sell = np.where(sold, now["mfrr_up"], now["intraday"] - half)
    tier = np.searchsorted(TIERS, now["marginal"][:, 0], side="right") - 1
    accepted = (tier >= 0)[:, None]
    capacity = np.array(TIERS)[tier][:, None] * (now["afrr_cap_up"] + now["afrr_cap_down"])
    activation = now["activation"]
    energy = np.where(activation > 0.0, -now["afrr_up"], now["afrr_down"])
    _insist_on_penalties(scenario, now, buy, sell)
    hour = np.arange(scenario.steps) // scenario.per_hour
    position = episode.position_mw[0].T
    called = accepted & (activation != 0.0)
    first = (position[hour] * activation < 0.0) | rules.bidding | (rules.reserve_h < rules.dt_h)
    moved = rules.ladder * TRANCHE_MW * (2.0 * np.floor(power.sum() / TRANCHE_MW) + 1.0)
    lossless = 1.0 - eta * eta
    burns = eta * eta * (sell + moved * ~sold) - (buy - moved * ~bought) > wear * (2.0 - lossless)
    wastes = -lossless * now["day_ahead"] > wear * (2.0 - lossless)
    last = market[-24 * scenario.per_hour :, COLUMN["day_ahead"]]
    ends = float(rules.two_sided)
    wide = np.ones((scenario.steps, len(power)))
    return Data(
        buy=buy * wide,
        sell=sell * wide,
        buys_intraday=(~bought).astype(float),
        sells_intraday=(~sold).astype(float),
        day_ahead=now["day_ahead"] * wide,
        position_eur_per_h=now["day_ahead"] * position[hour],
        bought_mw=np.maximum(position, 0.0),
        sold_mw=np.maximum(-position, 0.0),
        capacity=np.where(accepted, capacity, 0.0) * wide,
        energy=np.where(called, energy, 0.0) * wide,
        ready_mw=np.where(accepted & ~called, power, 0.0) * wide,
        called_mw=np.where(called, power, 0.0) * wide,
        up=(called & (activation > 0.0)) * wide,
        down=(called & (activation < 0.0)) * wide,
        partly_mw=np.where(called & first, (1.0 - DELIVERED) * power, 0.0) * wide,
        either_way_mw=np.where(burns, power, 0.0) * wide,
        both_ways_mw=np.where(wastes & rules.bidding, power, 0.0) * wide,
        missing=(ends * (last.max() + wear) / eta)[None],
        over=(ends * np.maximum(0.0, eta * (last.min() - wear)))[None],
        tier=np.maximum(tier, 0),
    )


def _insist_on_penalties(
    scenario: Scenario, now: dict[str, FloatArray], buy: FloatArray, sell: FloatArray
) -> None:
    """No price may be beyond a penalty: then no broken promise needs a variable."""
    spec = scenario.spec
    dearest = max(sell.max(), now["afrr_up"].max(), -buy.min(), -now["afrr_down"].min())
    if spec.dam_penalty_eur_per_mwh <= dearest:
        raise OptimumError(
            f"{spec.id}: a price of {dearest:.2f} EUR/MWh is not below dam_penalty_eur_per_mwh "
            f"{spec.dam_penalty_eur_per_mwh}; raise the penalty"
        )
    energy = np.maximum(np.abs(now["afrr_up"]), np.abs(now["afrr_down"]))
    promised = float((TIERS[-1] * (now["afrr_cap_up"] + now["afrr_cap_down"]) + energy).max())
    if spec.afrr_penalty_eur_per_mwh <= promised:
        raise OptimumError(
            f"{spec.id}: reserve earns up to {promised:.2f} EUR/MWh, not below "
            f"afrr_penalty_eur_per_mwh {spec.afrr_penalty_eur_per_mwh}; raise the penalty"
        )
