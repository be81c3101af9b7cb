"""A shelf: the episodes of a batch, each in its place, with shared windows; refilled in place."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from p2p_market.community.engine import untouched
from p2p_market.community.episode.episode import Episode
from p2p_market.community.fused.tables import OWN_SERIES, WINDOW_SERIES, Series, Windows, fixed
from p2p_market.community.observation import Surroundings
from p2p_market.community.records import State
from p2p_market.community.safety.sensors import true_values
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import start_days


class Shelf:
    """Arrays of a batch, allocated once.

    What is not drawn is kept once per start day, in a slot; what no episode of the scenario has
    (vehicles, faults) is kept once for all.
    """

    def __init__(self, scenario: Scenario, batch: int, split: str) -> None:
        """Room for so many episodes of a split."""
        self._scenario = scenario
        self._slots = min(batch, len(start_days(split, scenario.spec.days)))
        self._batch = batch
        self._day = np.full(self._slots, -1)
        self._slot = np.full(batch, -1)
        self._drawn = ["load_kw", "pv_kw"]
        self._own: dict[str, Any] = {}
        self._shared: dict[str, Any] = {}

    def fill(self, episodes: Iterable[Episode]) -> None:
        """Put an episode into each place; those that were there are gone."""
        self._slot[:] = -1
        for place, episode in enumerate(episodes):
            self._put(place, episode)

    def start(self) -> State:
        """State of all communities before the first step."""
        now, energy_kwh = self.around(0), self._own["start_energy_kwh"].copy()
        reading = true_values(now.load_kw, now.pv_kw, now.plugged, energy_kwh)
        return untouched(self._scenario, 0, energy_kwh, reading)

    def _put(self, place: int, episode: Episode) -> None:
        if not self._own:
            self._make_room(episode)
        self._own["start_energy_kwh"][place] = episode.start_energy_kwh[0]
        for name in self._drawn:
            self._own[name][:, place] = getattr(episode, name)[:, 0]
        self._slot[place] = self._slot_of(episode)

    def tables(self) -> tuple[Windows, Series]:
        """What the compiled step reads; they follow what is put."""
        shared = [fixed(self._shared[name]) for name in (*WINDOW_SERIES, "pv_top_kw")]
        own = [fixed(self._own[name]) for name in OWN_SERIES]
        return Windows._make(shared), Series._make([*own, fixed(self._slot)])

    def around(self, step: int) -> Surroundings:
        """What is outside in a step, for the joint state."""
        t, shared, own = min(step, self._scenario.steps - 1), self._shared, self._own
        return Surroundings(
            load_kw=own["load_kw"][t],
            pv_kw=own["pv_kw"][t],
            plugged=own["plugged"][t],
            retail_eur_per_kwh=shared["retail_eur_per_kwh"][t, self._slot],
            calendar=shared["calendar"][t, self._slot],
            carbon_eur_per_kwh=shared["carbon_eur_per_kwh"][t, self._slot],
        )

    def _make_room(self, episode: Episode) -> None:
        """Arrays of the shapes that this scenario's episodes have."""
        spec = self._scenario.spec
        mobile = bool((self._scenario.nodes.target_kwh > 0.0).any())
        self._drawn += ["grid"] if spec.outages is not None else []
        self._drawn += ["sensor_fault", "sensor_bias", "message_fault"] if spec.faults else []
        if mobile:
            self._drawn += ["plugged", "departs", "trip_kwh", "floor_kwh", "hours_left"]
        self._own = {name: getattr(episode, name) for name in OWN_SERIES}
        for name in self._drawn:
            self._own[name] = _wide(self._own[name], self._batch)
        if spec.outages is None:
            self._own["grid"] = np.ones((self._scenario.steps, self._batch))
        self._own["start_energy_kwh"] = np.zeros((self._batch, *episode.start_energy_kwh.shape[1:]))
        for name in WINDOW_SERIES:
            self._shared[name] = _wide(getattr(episode, name), self._slots)
        self._shared["pv_top_kw"] = np.zeros((self._slots, len(self._scenario.agents)))

    def _slot_of(self, episode: Episode) -> int:
        """Where the window of an episode stands; a slot that nobody uses is filled with it."""
        day = episode.keys[0].start_day
        known = np.flatnonzero(self._day == day)
        if len(known):
            return int(known[0])
        slot = int(np.setdiff1d(np.arange(self._slots), self._slot)[0])
        for name in WINDOW_SERIES:
            self._shared[name][:, slot] = getattr(episode, name)[:, 0]
        self._shared["pv_top_kw"][slot] = episode.pv_ceiling_kw.max(axis=0)[0]
        self._day[slot] = day
        return slot


def _wide(one: Any, batch: int) -> Any:
    """A series like that of a batch of one, but for so many."""
    return np.zeros((one.shape[0], batch, *one.shape[2:]), dtype=one.dtype)
