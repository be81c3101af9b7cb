"""PV of an episode: each roof under its own clouds, and all under the same ones."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from p2p_market.community.episode.measured import measured_pv, put_measured
from p2p_market.community.scenario.members import (
    CLEARNESS_RANGE,
    CLOUD_PERSISTENCE,
    CLOUD_SPREAD,
    ROOF_SPREAD,
)
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import Packed, kernel
from p2p_market.data.calendar import DAYS_PER_YEAR, QUARTERS_PER_DAY
from p2p_market.data.streams import ITSELF, fill_normal, opened, words
from p2p_market.records import FloatArray, IntArray

_LEAST, _MOST = CLEARNESS_RANGE


class _Skies(NamedTuple):
    """The data that PV is drawn from, for one start day."""

    national: FloatArray  # (quarter,), clearness
    fraction: FloatArray  # (quarter, orientation), clear sky
    look: IntArray  # (roof,), its orientation
    under: IntArray  # (roof,), whose it is
    roof_kw: FloatArray  # (roof,)


def draw_pv(scenario: Scenario, seed: int, start_day: int) -> FloatArray:
    """Clear-sky power times clearness with local clouds, or as measured, (quarter, agent) [kW]."""
    out = np.empty((QUARTERS_PER_DAY * scenario.spec.days, len(scenario.agents)))
    shared, private = words((seed, start_day), 1, 0), words((seed, start_day), 1, 1)
    _draw_kernel(_skies_of(scenario)(start_day), shared, private, out)
    return put_measured(measured_pv(scenario), start_day, out)


def draw_clearness(scenario: Scenario, seed: int, start_day: int, agents: IntArray) -> FloatArray:
    """Clearness over some members, under the clouds of all, (quarter, agent); 0 over the rest."""
    out = np.empty((QUARTERS_PER_DAY * scenario.spec.days, len(scenario.agents)))
    first = QUARTERS_PER_DAY * start_day
    national = scenario.data.solar_clearness[first : first + len(out)].astype(np.float64)
    everywhere, look = np.ones((len(out), 1)), np.zeros(len(agents), dtype=np.int64)
    skies = Packed(_Skies(national, everywhere, look, agents, np.ones(len(agents))))
    shared, private = words((seed, start_day), 1, 0), words((seed, start_day), 1, 1)
    _draw_kernel(skies, shared, private, out)
    return out


@lru_cache(maxsize=8)
def _skies_of(scenario: Scenario) -> Callable[[int], Any]:
    """Cache of the scenario's skies by start day."""
    return lru_cache(maxsize=DAYS_PER_YEAR)(partial(_skies, scenario))


def _skies(scenario: Scenario, start_day: int) -> Any:
    """The data that PV is drawn from, as the compiled code takes it."""
    first = QUARTERS_PER_DAY * start_day
    quarter = slice(first, first + QUARTERS_PER_DAY * scenario.spec.days)
    under = np.flatnonzero(scenario.roof_kw)
    fraction, look = scenario.clear_sky_fraction[quarter], scenario.orientation_of[under]
    national = np.ascontiguousarray(scenario.data.solar_clearness[quarter], dtype=np.float64)
    return Packed(_Skies(national, fraction, look, under, scenario.roof_kw[under]))


@kernel
def _draw_kernel(skies, weather, roofs, out):  # type: ignore[no-untyped-def]
    """See `draw_pv`; the clouds of all are a first-order autoregression of unit variance."""
    under, quarters = skies.under, out.shape[0]
    national, fraction, roof_kw = skies.national, skies.fraction, skies.roof_kw
    look = skies.look
    shared, private = np.empty(quarters), np.empty((under.shape[0], quarters))
    fill_normal(opened(weather, ITSELF), shared)
    gain = np.sqrt(1.0 - CLOUD_PERSISTENCE * CLOUD_PERSISTENCE)
    for t in range(1, quarters):
        shared[t] = CLOUD_PERSISTENCE * shared[t - 1] + gain * shared[t]
    for j in range(under.shape[0]):
        fill_normal(opened(roofs, under[j]), private[j])
    out[:] = 0.0
    for t in range(quarters):
        for j in range(under.shape[0]):
            local = CLOUD_SPREAD * shared[t] + ROOF_SPREAD * private[j, t]
            clearness = min(max(national[t] + local, _LEAST), _MOST)
            out[t, under[j]] = roof_kw[j] * fraction[t, look[j]] * clearness
