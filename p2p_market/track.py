"""What a track promises, and what the neutral rooms hand around."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from p2p_market.records import FloatArray, IntArray, Record


@dataclass(frozen=True, slots=True)
class Trajectory(Record):
    """One batch of episodes as it was played; series are `(step, batch, agent)`."""

    policy: str
    actions: NDArray[Any]  # (step, batch, agent, column), normalised, as the policy gave them
    net_load_kw: FloatArray  # after the filter, the feeder and emergency dispatch
    curtailed_kw: FloatArray
    shed_kw: FloatArray
    setpoint_kw: FloatArray  # (step, batch, agent, asset)
    energy_kwh: FloatArray  # (step, batch, agent, asset), after the step
    fill_kw: FloatArray
    import_kw: FloatArray
    export_kw: FloatArray
    correction_kw: FloatArray
    cause: IntArray
    clearing_price_eur_per_kwh: FloatArray  # (step, batch)
    entries_eur: FloatArray  # (step, batch, agent, entry)
    reward: FloatArray
    digests: tuple[str, ...]  # one per community: hash chain over state, fills and ledger
