"""What a battery's network is shown: the observation, and what a trader works out from it.

A small network finds it hard to form differences that decide: whether an offer would still be
served behind the day-ahead delivery, or how far this hour's price is from those of the hours ahead.
So they are inputs. The day-ahead prices of the last 24 hours are carried on from step to step, for
two of them need what is no longer shown: how far intraday was from day-ahead an hour ago, and the
prices to expect where none is published yet, which are those of the day before.
"""

from typing import Final

import torch
from torch import Tensor, nn

from baselines.battery.mpc.outlook import INTRADAY_NEXT
from baselines.learners.ppo.network import moments, normalised
from p2p_market.battery.observation import AHEAD, POSITION, features
from p2p_market.battery.scenario import REFERENCE_SPREAD_EUR_PER_MWH, Scenario

DAY_H: Final = 24
PATHS_H: Final = (2, 4, 7, 13)
"""Hours of the position, this one included, that the level is followed through without trade."""
OFFERS: Final = (0.25, 0.5, 0.75, 1.0)
SERVED: Final = 0.9
"""Share of a called offer from which on there is no penalty."""
FAR_MW: Final = 40.0
"""Room beyond it is room enough."""
NEAR_MW: Final = 5.0
LEAST_SHARE: Final = 0.2
"""Of the mean price of the last day in 1 + `price_vs_typical`, so that the mean stays finite."""


class Sight(nn.Module):
    """Rows of one battery, with what follows from them and from what is carried on; normalised."""

    mean: Tensor
    spread: Tensor
    ages: Tensor
    ahead: Tensor
    before: Tensor

    def __init__(self, scenario: Scenario) -> None:
        """For the battery of a scenario with hours as steps."""
        super().__init__()
        self.column = {one.name: place for place, one in enumerate(features(scenario))}
        fleet = scenario.fleet
        self.capacity, self.lowest = float(fleet.capacity_mwh[0]), float(fleet.lowest_mwh[0])
        self.highest, self.power = float(fleet.highest_mwh[0]), float(fleet.power_mw[0])
        self.eta, self.wear = float(fleet.eta[0]), float(fleet.wear[0])
        self.usual = scenario.scale * REFERENCE_SPREAD_EUR_PER_MWH / 4.0
        self.after_h = float(DAY_H - scenario.rules.publish_hour)
        self.carried = DAY_H + 1  # the newest price first; last, how many are known
        hours = torch.arange(1.0, DAY_H)
        self.register_buffer("ages", torch.arange(float(DAY_H)), persistent=False)
        self.register_buffer("ahead", hours, persistent=False)
        before = torch.ones(AHEAD + 1, AHEAD + 1).triu()  # (hour, hours up to it)
        self.register_buffer("before", before, persistent=False)
        seen, carried = torch.zeros(1, len(self.column)), torch.zeros(1, self.carried)
        self.width = self.raw(seen, carried).shape[-1]
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("spread", torch.ones(self.width))

    @staticmethod
    def fits(scenario: Scenario) -> bool:
        """Whether its numbers mean the same in each row and step: one battery, steps of an hour."""
        return len(scenario.agents) == 1 and scenario.dt_h == 1.0

    def freeze(self, rows: Tensor) -> None:
        """Take mean and spread from rows as `raw` gives them, (row, input)."""
        self.mean, self.spread = moments(rows)

    def forward(self, seen: Tensor, carried: Tensor) -> Tensor:
        """Normalised inputs, (..., input).

        Args:
            seen: (..., feature).
            carried: (..., number).
        """
        return normalised(self.raw(seen, carried), self.mean, self.spread)

    def after(self, seen: Tensor, carried: Tensor) -> Tensor:
        """What is carried into the next step."""
        known = torch.clamp(carried[..., DAY_H:] + 1.0, max=float(DAY_H))
        return torch.cat([self._of(seen, "dam_price"), carried[..., : DAY_H - 1], known], -1)

    def raw(self, seen: Tensor, carried: Tensor) -> Tensor:
        """Inputs before they are normalised."""
        return torch.cat([seen, *self._room(seen), *self._prices(seen, carried)], -1)

    def _of(self, seen: Tensor, name: str, count: int = 1) -> Tensor:
        return seen[..., self.column[name] : self.column[name] + count]

    def _room(self, seen: Tensor) -> list[Tensor]:
        """What level and position leave for reserve and trade."""
        position = seen[..., POSITION : POSITION + AHEAD + 1]
        gain = torch.where(position > 0.0, position * self.eta, position / self.eta)
        path = self._of(seen, "soc") * self.capacity + gain @ self.before
        rest = self.power - position[..., :1].abs()
        up = (path[..., :1] - self.lowest) * self.eta  # behind this hour's delivery
        down = (self.highest - path[..., :1]) / self.eta
        made = [torch.clamp(one, -FAR_MW, FAR_MW) for one in (up, down, up - rest, down - rest)]
        made.append(rest)
        for share in OFFERS:
            offer, following = share * rest, gain[..., 1:2]
            made += [(one >= SERVED * offer).float() for one in (up, down)]
            spare = up - offer + following * self.eta, down - offer - following / self.eta
            made += [torch.clamp(one / NEAR_MW, -1.0, 1.0) for one in spare]
        for hours in PATHS_H:
            low = path[..., :hours].amin(-1, keepdim=True) - self.lowest
            high = self.highest - path[..., :hours].amax(-1, keepdim=True)
            made += [low, high]
            made += [torch.clamp(one, -self.power, self.power) for one in (low, high)]
        return made

    def _prices(self, seen: Tensor, carried: Tensor) -> list[Tensor]:
        """Prices of this hour beside those of the day ahead."""
        price, half = self._of(seen, "dam_price"), self._of(seen, "bid_ask_spread") / 2.0
        typical = price / torch.clamp(1.0 + self._of(seen, "price_vs_typical"), min=LEAST_SHARE)
        day = torch.cat([price, self.expected(seen, carried, typical)], -1)
        mean = day.mean(-1, keepdim=True)
        highest, lowest = day.amax(-1, keepdim=True), day.amin(-1, keepdim=True)
        away = self._of(seen, "intraday_price") - carried[..., :1]
        away = away * (carried[..., DAY_H:] > 0.0).float()
        sell = price + INTRADAY_NEXT * away - half
        buy = price + INTRADAY_NEXT * away + half
        again, wear = 1.0 / self.eta**2, self.wear
        reference = self._of(seen, "afrr_cap_up_price") + self._of(seen, "afrr_cap_down_price")
        rest = self.power - seen[..., POSITION : POSITION + 1].abs()
        return [
            day - mean,
            away,
            half,
            sell - mean,
            buy - mean,
            sell - highest,
            buy - lowest,
            highest - mean,
            mean - lowest,
            (day[..., 1:] > price).float().mean(-1, keepdim=True),
            sell - wear - (mean + wear) * again,  # of a cycle that begins with the sale
            mean - wear - (buy + wear) * again,
            torch.clamp((day - sell) / self.usual, -1.0, 1.0).mean(-1, keepdim=True),
            torch.clamp((day - buy) / self.usual, -1.0, 1.0).mean(-1, keepdim=True),
            typical,
            price - typical,
            reference,
            reference * rest / self.power,
            torch.log(torch.clamp(reference, min=0.1)),
        ]

    def expected(self, seen: Tensor, carried: Tensor, typical: Tensor) -> Tensor:
        """Day-ahead prices of the next 23 hours, (..., hour): as shown, or as a day before.

        Args:
            typical: stands for what is not known either, (..., 1).
        """
        known = (self.ages < carried[..., DAY_H:]).float()
        past = known * carried[..., :DAY_H] + (1.0 - known) * typical
        yesterday = past[..., : DAY_H - 1].flip(-1)  # of the next hour first
        left = self._of(seen, "intraday_hours_left")
        published = left + DAY_H * (left <= self.after_h).float()  # hours, this one included
        shown = torch.cat([self._of(seen, "next_price_1", AHEAD), yesterday[..., AHEAD:]], -1)
        return torch.where((self.ahead < published) & (self.ahead <= AHEAD), shown, yesterday)
