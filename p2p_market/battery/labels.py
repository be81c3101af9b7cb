"""Where each series of a scenario comes from: measured, synthetic or the user's."""

from collections.abc import Mapping

from p2p_market.battery.episode.own import CONDITIONS
from p2p_market.battery.records import MARKET
from p2p_market.battery.scenario import Scenario
from p2p_market.data.dataset import card
from p2p_market.data.own.store import LABEL
from p2p_market.data.sources import PRICE_ARRAY


def labels(scenario: Scenario) -> Mapping[str, str]:
    """Column of the market -> its label."""
    own = {CONDITIONS.get(name, name) for name in scenario.own}
    found = {name: LABEL if name in own else "synthetic" for name in MARKET}
    day_ahead = card(scenario.data.name)["arrays"][PRICE_ARRAY]["label"]
    return {**found, "day_ahead": str(day_ahead)}
