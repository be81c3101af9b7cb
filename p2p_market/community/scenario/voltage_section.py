"""What a scenario file may say of the voltage of the line."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from p2p_market.grid.feeder import BAND_PU
from p2p_market.grid.reactive import OVERSIZE
from p2p_market.kit.schema import Number, Section

PerUnit = Annotated[Number, Field(ge=0.5, le=1.5)]


class Voltage(Section):
    """What is done about the voltage of members' connections.

    `report`: it is seen and measured. `priced`: what lies outside the band costs, paid by those who
    cause it. `binding`: what all do is pulled back towards rest until it is inside, and what rest
    itself violates is priced. Reactive power: `none`; `cos_phi`, PV absorbs by rule; `agent`, one
    more number of each member's action.
    """

    mode: Literal["report", "priced", "binding"]
    band_pu: tuple[PerUnit, PerUnit] = BAND_PU
    source_pu: PerUnit = 1.0  # before the first line, or above the transformer
    transformer: bool = False  # in series with all members
    eur_per_pu_h: Annotated[Number, Field(ge=0.0, le=1e5)] = 5.0  # of each member's violation
    reactive: Literal["none", "cos_phi", "agent"] = "none"
    inverter_kva_per_kw: Annotated[Number, Field(ge=1.0, le=10.0)] = OVERSIZE

    @model_validator(mode="after")
    def _source_in_band(self) -> "Voltage":
        low, high = self.band_pu
        if not low <= self.source_pu <= high:
            raise ValueError(
                f"band_pu {low:g} to {high:g}, source_pu {self.source_pu:g}; the source must lie "
                "in the band, or nobody could mend its voltage"
            )
        if self.mode != "report" and self.eur_per_pu_h == 0.0:
            raise ValueError(f"eur_per_pu_h is 0, but mode is {self.mode!r}; raise it, or `report`")
        if self.mode == "report" and self.reactive == "agent":
            raise ValueError("reactive: agent needs mode `priced` or `binding`; else it is idle")
        return self
