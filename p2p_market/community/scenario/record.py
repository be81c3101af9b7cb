"""What a scenario is once it is built: the specification, its devices and its arrays."""

from dataclasses import dataclass

import numpy as np

from p2p_market.assets.node import Coefficients, PowerNode
from p2p_market.community.scenario.members import CLEARNESS_RANGE, DonorPools
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.data import DataSet
from p2p_market.records import BoolArray, FloatArray, IntArray, Record


@dataclass(frozen=True, slots=True, eq=False)
class Scenario(Record):
    """A validated scenario with its arrays; agents stand in the file's order."""

    spec: ScenarioSpec
    digest: str  # SHA-256 over the specification and the data digest
    data: DataSet
    agents: tuple[str, ...]
    demand: tuple[PowerNode, ...]  # one per agent
    roofs: tuple[PowerNode | None, ...]  # one per agent
    flexible: tuple[tuple[PowerNode, ...], ...]  # per agent, in the order of set-points
    nodes: Coefficients  # flexible assets, (agent, asset)
    clear_sky_fraction: FloatArray  # (quarter of the year, orientation), irradiance in kW/m2
    orientation_of: IntArray  # (agent,), column of its roof; any without a roof
    roof_kw: FloatArray  # (agent,), PV power at a fraction of one; 0 without a roof
    donor_pools: tuple[DonorPools, ...]  # one per agent: donors that its load may follow
    expected_load: FloatArray  # (season, day type, quarter of the day, agent), mean = 1
    load_spread: FloatArray  # same
    expected_clearness: FloatArray  # (28-day cycle,)
    clearness_spread: FloatArray  # (28-day cycle,)
    price_spread_eur_per_kwh: FloatArray  # (agent,), retail price against the day before
    feed_in_spread_eur_per_kwh: FloatArray  # (agent,), feed-in tariff against the day before
    peak_load_kw: FloatArray  # (agent,), contracted: no member ever draws more
    retail_eur_per_kwh: FloatArray  # (quarter of the year, contract), on ticks
    contract_of: IntArray  # (agent,), column of its contract
    feed_in_eur_per_kwh: FloatArray  # (quarter of the year, contract), on ticks
    network_fee_eur_per_kwh: FloatArray  # (agent,), on ticks
    steps: int
    steps_per_day: int
    hold_steps: int
    generators: tuple[tuple[PowerNode, ...], ...] = ()  # per agent, plants that the weather drives

    @property
    def dt_h(self) -> float:
        """Length of a step [h]."""
        return float(self.spec.dt_h)

    def clear_sky_kw(self, quarter: slice) -> FloatArray:
        """PV power without clouds in some quarter-hours of the year, (quarter, agent) [kW]."""
        fraction = np.take(self.clear_sky_fraction[quarter], self.orientation_of, axis=1)
        return np.asarray(self.roof_kw * fraction)

    @property
    def clear_sky_peak_kw(self) -> FloatArray:
        """The highest PV power without clouds in the year, (agent,) [kW]."""
        return np.asarray(self.roof_kw * self.clear_sky_fraction.max(axis=0)[self.orientation_of])

    @property
    def generation_peak_kw(self) -> FloatArray:
        """The highest power of plants that the weather drives, roofs left out, (agent,) [kW]."""
        return np.array([sum(node.scale_kw for node in own) for own in self.generators])

    @property
    def pv_peak_kw(self) -> FloatArray:
        """What PV and other plants that the weather drives give at most, (agent,) [kW]."""
        return np.asarray(CLEARNESS_RANGE[1] * self.clear_sky_peak_kw + self.generation_peak_kw)

    @property
    def feed_in_follows(self) -> BoolArray:
        """Whose feed-in tariff follows the day-ahead price, (agent,)."""
        contracts = self.spec.contracts
        return np.array([contracts[one.contract].feed_in is not None for one in self.spec.members])

    @property
    def lowest_feed_in_eur_per_kwh(self) -> FloatArray:
        """The lowest feed-in tariff of the year, (agent,)."""
        return np.asarray(self.feed_in_eur_per_kwh.min(axis=0)[self.contract_of])

    @property
    def lowest_price_eur_per_kwh(self) -> float:
        """No price at the hub is lower: 0, or less where a feed-in tariff is negative."""
        return min(0.0, float(self.feed_in_eur_per_kwh.min()))

    @property
    def has_storage(self) -> BoolArray:
        """Which agents own a flexible asset, (agent,)."""
        return np.asarray(self.nodes.present.any(axis=1))

    @property
    def mobile(self) -> bool:
        """Whether what assets may do changes by the step: some come and go, or are machines."""
        return self.nodes.machines is not None or bool((self.nodes.target_kwh > 0.0).any())

    @property
    def cuts(self) -> bool:
        """Whether load or PV may be cut: the feeder is binding, or there are outages."""
        return self.spec.feeder.mode == "binding" or self.spec.outages is not None
