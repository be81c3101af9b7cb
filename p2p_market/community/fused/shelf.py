"""A shelf: the episodes of a batch, each in its place, with shared windows; refilled in place."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from p2p_market.community.engine import untouched
from p2p_market.community.episode.episode import Episode, Own, draw, draw_own
from p2p_market.community.episode.window import window
from p2p_market.community.fused.tables import (
    OPTIONAL_SERIES,
    OWN_SERIES,
    WINDOW_SERIES,
    WORLD_SERIES,
    Series,
    Windows,
    optional,
    worlds,
)
from p2p_market.community.kernel_inputs import fixed
from p2p_market.community.observation import Surroundings
from p2p_market.community.records import State
from p2p_market.community.safety.sensors import true_values
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.data.calendar import start_days
from p2p_market.track import EpisodeKey

AT_A_TIME: Final = 16
"""Communities that are drawn before they are put side by side, so that memory is met in rows."""


class Shelf:
    """Arrays of a batch, allocated once.

    What is not drawn is kept once per start day, in a slot; what no episode of the scenario has
    (vehicles, faults) is kept once for all.
    """

    def __init__(self, scenario: Scenario, batch: int, split: str) -> None:
        """Room for so many episodes of a split."""
        self._scenario = scenario
        self.slots = min(batch, len(start_days(split, scenario.spec.days)))
        self._batch = batch
        self._slots_of_days: dict[int, int] = {}
        self._slot = np.full(batch, -1)
        self._drawn: list[str] = []
        self._moved = WORLD_SERIES if scenario.nodes.machines is not None else ()
        self._own: dict[str, Any] = {}
        self._shared: dict[str, Any] = {}

    def fill(self, keys: Sequence[EpisodeKey]) -> None:
        """Draw an episode into each place; those that were there are gone."""
        if not self._own:
            self._make_room(draw(self._scenario, keys[0]))
        self._slot[:] = -1
        shape = min(AT_A_TIME, len(keys)), self._scenario.steps, len(self._scenario.agents)
        load_kw, pv_kw = np.empty((2, *shape))
        for first in range(0, len(keys), AT_A_TIME):
            some = keys[first : first + AT_A_TIME]
            for place, (key, *room) in enumerate(zip(some, load_kw, pv_kw, strict=False), first):
                self._put(place, key, draw_own(self._scenario, key, *room))
            _shelve(load_kw[: len(some)], first, self._own["load_kw"])
            _shelve(pv_kw[: len(some)], first, self._own["pv_kw"])

    def start(self) -> State:
        """State of all communities before the first step."""
        now, energy_kwh = self.around(0), self._own["start_energy_kwh"].copy()
        here = np.ascontiguousarray(np.broadcast_to(now.plugged, energy_kwh.shape))
        reading = true_values(now._replace(plugged=here), energy_kwh)
        return untouched(self._scenario, 0, energy_kwh, reading)

    def _put(self, place: int, key: EpisodeKey, own: Own) -> None:
        """Store what was drawn for one community, except load and PV, kept for many at once."""
        self._own["start_energy_kwh"][place] = own.start_energy_kwh
        self._slot[place] = self._slot_of(key.start_day)
        for name in self._drawn:
            series = own.presence[name] if name in own.presence else getattr(own, name)
            self._own[name][:, place] = series[:, 0]
        for name in self._moved:
            self._own[name][:, place] = own.world[name][:, 0]

    def tables(self) -> tuple[Windows, Series]:
        """What the compiled step reads; they follow what is put."""
        shared = [fixed(self._shared[name]) for name in (*WINDOW_SERIES, "pv_top_kw")]
        own = [fixed(self._own[name]) for name in OWN_SERIES]
        rest = [optional(self._shared[name]) for name in OPTIONAL_SERIES]
        world = worlds([self._own[name] for name in WORLD_SERIES])
        return Windows._make([*shared, *rest]), Series._make([*own, fixed(self._slot), world])

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
        """Allocate arrays in the shapes of this scenario's episodes."""
        spec = self._scenario.spec
        self._drawn += ["grid"] if spec.outages is not None else []
        self._drawn += ["sensor_fault", "sensor_bias", "message_fault"] if spec.faults else []
        if self._scenario.mobile:
            self._drawn += ["plugged", "departs", "trip_kwh", "floor_kwh", "hours_left"]
        self._own = {name: getattr(episode, name) for name in (*OWN_SERIES, *WORLD_SERIES)}
        for name in ("load_kw", "pv_kw", *self._drawn, *self._moved):
            self._own[name] = _wide(self._own[name], self._batch)
        if spec.outages is None:
            self._own["grid"] = np.ones((self._scenario.steps, self._batch))
        self._own["start_energy_kwh"] = np.zeros((self._batch, *episode.start_energy_kwh.shape[1:]))
        for name in (*WINDOW_SERIES, *OPTIONAL_SERIES):
            self._shared[name] = _wide(getattr(episode, name), self.slots)
        self._shared["pv_top_kw"] = np.zeros((self.slots, len(self._scenario.agents)))

    def _slot_of(self, day: int) -> int:
        """The slot with the window of a start day; if there is none, a free slot is filled."""
        if day in self._slots_of_days:
            return self._slots_of_days[day]
        slot = int(np.setdiff1d(np.arange(self.slots), self._slot)[0])
        common = window(self._scenario, day)
        for name in (*WINDOW_SERIES, *OPTIONAL_SERIES):
            self._shared[name][:, slot] = getattr(common, name)
        self._shared["pv_top_kw"][slot] = common.pv_ceiling_kw.max(axis=0)
        kept = {known: own for known, own in self._slots_of_days.items() if own != slot}
        self._slots_of_days = {**kept, day: slot}
        return slot


@kernel
def _shelve(rows, first, out):  # type: ignore[no-untyped-def]
    """Copy series of several communities, (batch, step, agent), into `out` (step, batch, agent)."""
    for t in range(out.shape[0]):
        for b in range(rows.shape[0]):
            for i in range(rows.shape[2]):
                out[t, first + b, i] = rows[b, t, i]


def _wide(one: Any, batch: int) -> Any:
    """An empty series shaped like that of a batch of one, for a larger batch."""
    return np.zeros((one.shape[0], batch, *one.shape[2:]), dtype=one.dtype)
