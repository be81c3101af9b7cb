"""Ranges of device parameters: finite numbers of a size that floats and solvers can handle."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

STRICT: Final = ConfigDict(strict=True, allow_inf_nan=False)
"""A truth value or a text is no number, and numbers are finite."""

Power = Annotated[float, Field(ge=1e-3, le=1e5)]  # kW
Energy = Annotated[float, Field(ge=1e-3, le=1e6)]  # kWh
Efficiency = Annotated[float, Field(ge=0.1, le=1.0)]
Wear = Annotated[float, Field(ge=0.0, le=10.0)]  # EUR/kWh
Price = Annotated[float, Field(ge=0.0, le=10.0)]  # EUR/kWh, or EUR a start
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Leak = Annotated[float, Field(ge=0.0, le=1.0)]  # 1/h
Temperature = Annotated[float, Field(ge=-60.0, le=150.0)]  # C
Hour = Annotated[float, Field(ge=0.0, le=24.0)]
Maintenance = Annotated[float, Field(ge=0.0, le=72.0)]  # h
Day = Annotated[int, Field(ge=1, le=365)]
Value = Annotated[float, Field(ge=-10.0, le=10.0)]  # EUR/kWh
