"""Market mechanisms. `MECHANISMS` lists every rule that a scenario may name, with its laws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from p2p_market.compilation import keep, keeps
from p2p_market.market import discriminatory, k_double_auction, mcafee, mid_market_rate
from p2p_market.market.book import ClearKernel, Fills, OrderBook


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A rule from an order book to fills, and the laws it claims; tests check them."""

    clear: Callable[[OrderBook], Fills]
    individually_rational: bool  # nobody trades at a price worse than its order
    budget_balance: Literal["strong", "weak"]  # strong: paid = received; weak: paid >= received
    truthful: bool  # no order can gain by another price
    matches_all_volume: bool  # every pair of orders that gains from trade is served
    kernel: ClearKernel | None = None  # compiled rule; without one only the pure step plays it

    def __post_init__(self) -> None:
        """Hold a kernel that Numba would keep by its own file to the rule of ours."""
        if keeps(self.kernel):
            keep(self.kernel)


MECHANISMS: Final[Mapping[str, Mechanism]] = {
    "k_double_auction": Mechanism(
        clear=k_double_auction.clear,
        kernel=k_double_auction.clear_kernel,
        individually_rational=True,
        budget_balance="strong",
        truthful=False,
        matches_all_volume=True,
    ),
    "discriminatory": Mechanism(
        clear=discriminatory.clear,
        kernel=discriminatory.clear_kernel,
        individually_rational=True,
        budget_balance="strong",
        truthful=False,
        matches_all_volume=True,
    ),
    "mcafee": Mechanism(
        clear=mcafee.clear,
        kernel=mcafee.clear_kernel,
        individually_rational=True,
        budget_balance="weak",
        truthful=True,
        matches_all_volume=False,
    ),
    "mid_market_rate": Mechanism(
        clear=mid_market_rate.clear,
        kernel=mid_market_rate.clear_kernel,
        individually_rational=True,
        budget_balance="strong",
        truthful=True,
        matches_all_volume=False,
    ),
}
"""Name of a mechanism -> the mechanism."""
