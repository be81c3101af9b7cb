"""What a scenario file may say about agreements: its section `coordination`."""

from typing import Annotated, Final, Literal

from pydantic import Field

from p2p_market.kit.schema import Number, Section, Whole

GROUPS: Final = ("forward", "backup", "coalition", "forecast")
"""What members can agree on, in the order in which a message names it."""

Group = Literal["forward", "backup", "coalition", "forecast"]
Money = Annotated[Number, Field(ge=0.0, le=1e6)]
Window = Annotated[Number, Field(gt=0.0, le=168.0)]  # h


class Coordination(Section):
    """Agreements that members may sign; without this section there are none.

    `columns`: what there is; what is left out has no columns and no features. `settled`: how a
    forward contract is kept, by paying the difference to the price of the hub, or by delivering
    energy before the auction.
    """

    columns: Annotated[tuple[Group, ...], Field(min_length=1, max_length=4)] = GROUPS
    settled: Literal["difference", "delivery"] = "difference"
    max_kw: Annotated[Number, Field(gt=0.0, le=1e4)] = 10.0
    max_h: Window = 24.0  # longest agreement
    ahead_h: Window = 24.0  # latest start
    max_premium_eur: Money = 5.0
    credit_eur: Money = 20.0  # what all agreements of a member together may cost it
    capital_eur: Money = 100.0  # what a premium may be paid from at the start
    damages_eur_per_kwh: Annotated[Number, Field(ge=0.0, le=10.0)] = 0.1
    max_size: Annotated[Whole, Field(ge=2, le=64)] = 10  # members of a coalition
