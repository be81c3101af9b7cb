"""Set-points in the units of a trade: water in m3/s, hydrogen in kg/h, a temperature, a level.

An action holds powers in kW. These turn what an operator would say into the power that does it, by
the inverse of the device's equation, and look at nothing but the member's own observation. The
filter cuts the power to what the device can do, as it cuts any other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from p2p_market.assets.drivers.hydrogen import KWH_PER_KG
from p2p_market.assets.drivers.water import hydraulic_kw
from p2p_market.assets.node import PowerNode
from p2p_market.community.scenario.record import Scenario
from p2p_market.errors import ArgumentError

WOOD_KWH_PER_KG: Final = 4.1
"""Chips, lower heating value."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One device of one member, and what its owner may say of it."""

    scenario: Scenario
    agent: int
    asset: int

    @property
    def node(self) -> PowerNode:
        """The device."""
        return self.scenario.flexible[self.agent][self.asset]

    def level(self, seen: Mapping[str, float], share: float) -> float:
        """Power that leads to a level after the step [kW], positive = charge.

        Args:
            seen: observation of the member by name, before the step.
            share: of the capacity, 0 to 1.
        """
        return self._towards(seen, share * self.node.energy_max_kwh)

    def temperature(self, seen: Mapping[str, float], temperature_c: float) -> float:
        """Power that leads a heated room or a cold store to a temperature after the step [kW].

        Args:
            seen: observation of the member by name, before the step.
            temperature_c: at the end of the step [C].

        Raises:
            ArgumentError: if the device has no temperature.
        """
        known = self._known("low_c", "c_kwh_per_k")
        warmer = temperature_c - known["low_c"]
        if self.node.law == "cold_store":
            warmer = dict(self.node.law_data)["high_c"] - temperature_c  # type: ignore[operator]
        return self._towards(seen, known["c_kwh_per_k"] * warmer)

    def flow(self, flow_m3s: float) -> float:
        """Power of a reservoir that lets so much water through [kW].

        Args:
            flow_m3s: > 0 through the turbine, < 0 up by the pump [m3/s].

        Raises:
            ArgumentError: if the device has no water.
        """
        water_kw = float(hydraulic_kw(abs(flow_m3s), self._known("head_m")["head_m"]))
        if flow_m3s >= 0.0:
            return -water_kw * self.node.eta_discharge
        return water_kw / self.node.eta_charge

    def hydrogen(self, kg_per_h: float) -> float:
        """Power that makes so much hydrogen, or burns it [kW].

        Args:
            kg_per_h: > 0 made, < 0 burnt [kg/h].

        Raises:
            ArgumentError: if the device has no hydrogen.
        """
        self._known("pick_up_kg")
        hydrogen_kw = KWH_PER_KG * kg_per_h
        if kg_per_h >= 0.0:
            return hydrogen_kw / self.node.eta_charge
        return hydrogen_kw * self.node.eta_discharge

    def fuel(self, tonnes: float) -> float:
        """An order of wood chips, for the column `fuel` [kWh].

        Raises:
            ArgumentError: if the device burns nothing that is ordered.
        """
        if not self.node.lead_h > 0.0:
            raise ArgumentError(f"{self._name} burns nothing that is ordered")
        return 1000.0 * WOOD_KWH_PER_KG * tonnes

    @property
    def _name(self) -> str:
        return f"{self.scenario.spec.id}: {self.scenario.agents[self.agent]}, device {self.asset}"

    def _known(self, *names: str) -> dict[str, float]:
        """Parameters of the device's law."""
        data = dict(self.node.law_data)
        if missing := [name for name in names if name not in data]:
            raise ArgumentError(f"{self._name} has no {missing[0]}, so it cannot be told so")
        return {name: float(data[name]) for name in names}

    def _towards(self, seen: Mapping[str, float], wanted_kwh: float) -> float:
        """Inverse of the one equation: what is missing is charged, what is too much discharged."""
        nodes, k, place = self.scenario.nodes, self.asset, (self.agent, self.asset)
        level = seen[f"soc_{k}"] * self.node.energy_max_kwh
        kept = float(nodes.retention[place]) * level
        kept += seen.get(f"drift_{k}", 0.0) * self.scenario.dt_h
        missing = wanted_kwh - kept
        if missing >= 0.0:
            gain_h = float(nodes.charge_gain_h[place]) * seen.get(f"charge_share_{k}", 1.0)
            return missing / gain_h
        return missing / float(nodes.discharge_gain_h[place])
