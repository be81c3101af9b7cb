"""Plants that give what wind, water and ground let them: added to the member's generation.

Like a roof they are curtailed by rule only.
"""

from typing import Annotated, Literal

from pydantic import Field, validate_call

from p2p_market.assets.drivers.ground import MOST
from p2p_market.assets.drivers.water import hydraulic_kw
from p2p_market.assets.drivers.wind import TURBINES
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Efficiency, Power, Share

Flow = Annotated[float, Field(gt=0.0, le=1000.0)]  # m3/s


@validate_call(config=STRICT)
def wind_turbine(
    turbine: Literal["small", "farm", "park"] = "farm",
    rated_kw: Power | None = None,
    mean_ms: Annotated[float, Field(ge=1.0, le=15.0)] | None = None,
    wake: Share | None = None,
    wake_sector_deg: Annotated[float, Field(ge=0.0, lt=360.0)] | None = None,
) -> PowerNode:
    """Power node of a wind turbine.

    Args:
        turbine: usual figures: small 10 kW, farm 30 kW, park 250 kW.
        rated_kw: power at rated wind, instead of the usual [kW].
        mean_ms: mean wind of the year at the hub, instead of the usual [m/s].
        wake: share of the power that turbines before it take, instead of the usual.
        wake_sector_deg: where they stand, 270 = west: they take it from winds within 15 degrees of
            there; none = always.
    """
    usual = TURBINES[turbine]
    rated = usual.rated_kw if rated_kw is None else rated_kw
    taken = usual.wake if wake is None else wake
    sector = () if wake_sector_deg is None else (("wake_sector_deg", wake_sector_deg),)
    return PowerNode(
        driver="weather",
        scale_kw=rated if sector else rated * (1.0 - taken),
        law="wind_turbine_in_wake" if sector else "wind_turbine",
        law_data=(
            ("mean_ms", usual.mean_ms if mean_ms is None else mean_ms), ("rated_kw", rated),
            ("cut_in_ms", usual.cut_in_ms), ("rated_ms", usual.rated_ms),
            ("cut_out_ms", usual.cut_out_ms), ("wake", taken), *sector,
        ),
    )  # fmt: skip


@validate_call(config=STRICT)
def run_of_river(
    head_m: Annotated[float, Field(gt=0.0, le=2000.0)],
    design_m3s: Flow,
    mean_m3s: Flow,
    keep_m3s: Annotated[float, Field(ge=0.0, le=1000.0)] = 0.0,
    eta: Efficiency = 0.85,
) -> PowerNode:
    """Power node of a mill at a river, which cannot store.

    Args:
        head_m: height of fall [m].
        design_m3s: most that the turbine takes [m3/s].
        mean_m3s: mean flow of the year; it follows the rivers of the data set [m3/s].
        keep_m3s: what must stay in the river [m3/s].
        eta: AC energy per energy of the water.
    """
    return PowerNode(
        driver="weather",
        scale_kw=eta * float(hydraulic_kw(design_m3s, head_m)),
        law="run_of_river",
        law_data=(
            ("mean_m3s", mean_m3s), ("head_m", head_m), ("design_m3s", design_m3s),
            ("keep_m3s", keep_m3s), ("eta", eta),
        ),
    )  # fmt: skip


@validate_call(config=STRICT)
def geothermal_binary(
    rated_kw: Power,
    slope_per_k: Annotated[float, Field(ge=0.0, le=0.1)] = 0.006,
) -> PowerNode:
    """Power node of a geothermal plant that is cooled by air: it always runs.

    Args:
        rated_kw: power at 10 C [kW].
        slope_per_k: share of the rated power that it loses per degree of the air [1/K].
    """
    return PowerNode(
        driver="weather",
        scale_kw=MOST * rated_kw,
        law="geothermal_binary",
        law_data=(("rated_kw", rated_kw), ("slope_per_k", slope_per_k)),
    )
