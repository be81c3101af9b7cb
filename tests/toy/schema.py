"""The scenario file of the toy."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from p2p_market.errors import ScenarioError
from p2p_market.track import Line

GATE_STEPS: Final = 4  # between two gates
HIGH: Final = 2  # choices of the plant: 0 is off, 1 is low
START: Final = 0.5  # level of a storage


class Spec(BaseModel):
    """What a file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    track: Literal["toy"]
    days: Literal[2] = 2
    dt_h: Literal[1] = 1
    optimum: Literal["linear"] = "linear"
    storages: int = Field(ge=1, le=9)
    capacity_kwh: float = Field(gt=0.0)
    power_kw: float = Field(gt=0.0)
    reserve_eur_per_kwh: float = Field(ge=0.0)  # income of each hour
    level_kw: float = Field(gt=0.0)  # between two choices of the plant
    fuel_eur_per_kwh: float
    damage_eur_per_kwh: float


def read(values: Mapping[str, Any], source: str = "scenario", line: Line | None = None) -> Spec:
    """The file, validated; errors name file, line and field."""
    try:
        return Spec.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = None if line is None else line(first["loc"])
        where = f"{source}: line {place}" if place else source
        name = ".".join(map(str, first["loc"]))
        raise ScenarioError(f"{where}: {name}: {first['msg']}") from error
