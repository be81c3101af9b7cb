"""The ledger of a step: who pays what, and what the operator is rewarded for."""

from typing import Final

from p2p_market.compilation import inner
from p2p_market.wholesale.events import DOWN, UP
from p2p_market.wholesale.records import LEDGER_ENTRIES, SOCIAL

MARKET, GENERATION, WEAR, DISCOMFORT, BACKLOG, LOST, SHED, DUMPED, RESPONSE, FREQUENCY = range(10)
VOLTAGE, TERMINAL = 10, 11
RESPONSE_HZ: Final = 0.2
"""Response is paid for what comes at this deviation."""
STABILITY_SCALE: Final = 10.0
STABILITY, COST, ENVIRONMENT = 0, 1, 2
SOCIAL_PLACES: Final = tuple(LEDGER_ENTRIES.index(name) for name in SOCIAL)


@inner
def _units(rules, fleet, b, done):  # type: ignore[no-untyped-def]
    entries, energy_eur = done.entries_eur[b], rules.dt_h * done.price_eur_per_mwh[b]
    for i in range(done.output_mw.shape[1]):
        output, dumped = done.output_mw[b, i], done.dumped_mw[b, i]
        entries[i, MARKET] = -energy_eur * (output - dumped)
        entries[i, GENERATION] = rules.dt_h * fleet.cost[i] * output
        entries[i, DUMPED] = rules.dt_h * rules.dumped * dumped
        done.emissions_t[b, i] = rules.dt_h * fleet.emissions[i] * output
    return done.output_mw.shape[1]


@inner
def _storages(rules, fleet, b, t, first, done):  # type: ignore[no-untyped-def]
    entries, energy_eur = done.entries_eur[b], rules.dt_h * done.price_eur_per_mwh[b]
    for i in range(done.power_mw.shape[1]):
        power = done.power_mw[b, i]
        entries[first + i, MARKET] = energy_eur * power
        entries[first + i, WEAR] = rules.dt_h * fleet.wear[i] * abs(power)
        more = done.level_mwh[b, i] - fleet.start_mwh[i] if t + 1 == rules.steps else 0.0
        entries[first + i, TERMINAL] = -fleet.terminal[i] * more
    return first + done.power_mw.shape[1]


@inner
def _consumers(rules, fleet, b, t, first, done):  # type: ignore[no-untyped-def]
    entries, energy_eur = done.entries_eur[b], rules.dt_h * done.price_eur_per_mwh[b]
    shed = rules.dt_h * rules.lost_load * (done.shed_mw[b, UP] + done.shed_mw[b, DOWN])
    count, load = done.load_mw.shape[1], 0.0
    for i in range(count):
        load += done.load_mw[b, i]
    for i in range(count):
        share = done.load_mw[b, i] / load if load > 0.0 else 1.0 / count
        left = done.backlog_mwh[b, i]
        entries[first + i, MARKET] = energy_eur * done.load_mw[b, i]
        entries[first + i, DISCOMFORT] = rules.dt_h * fleet.discomfort[i] * left
        entries[first + i, BACKLOG] = rules.backlog * left if t + 1 == rules.steps else 0.0
        entries[first + i, LOST] = rules.dt_h * rules.lost_load * done.lost_mw[b, i]
        entries[first + i, SHED] = shed * share
    return load


@inner
def _responses(rules, fleet, b, consumers, load, done):  # type: ignore[no-untyped-def]
    """Providers are paid for room that answers a small deviation, consumers pay for it by load."""
    entries, total = done.entries_eur[b], 0.0
    for i in range(done.room_up_mw.shape[1]):
        most = RESPONSE_HZ * fleet.gain_mw_per_hz[i]
        up, down = min(done.room_up_mw[b, i], most), min(done.room_down_mw[b, i], most)
        earned = rules.dt_h * rules.response * (up + down)
        done.response_eur[b, i] = earned
        entries[i, RESPONSE] = -earned
        total += earned
    count = done.load_mw.shape[1]
    for i in range(count):
        share = done.load_mw[b, i] / load if load > 0.0 else 1.0 / count
        entries[consumers + i, RESPONSE] += total * share


@inner
def _operator(rules, b, operator, done):  # type: ignore[no-untyped-def]
    entries, beyond_hz, beyond_pu = done.entries_eur[b], 0.0, 0.0
    for way in (UP, DOWN):
        beyond_hz += max(0.0, done.deviation_hz[b, way] - rules.band_hz)
    for bus in range(done.voltage_beyond_pu.shape[1]):
        beyond_pu += done.voltage_beyond_pu[b, bus]
    entries[operator, FREQUENCY] = rules.dt_h * rules.frequency * beyond_hz
    entries[operator, VOLTAGE] = rules.dt_h * rules.voltage * beyond_pu


@inner
def settle_kernel(rules, fleet, b, t, done):  # type: ignore[no-untyped-def]
    """Ledger of community b, into `done`; what is not written stays 0."""
    storages = _units(rules, fleet, b, done)
    consumers = _storages(rules, fleet, b, t, storages, done)
    load = _consumers(rules, fleet, b, t, consumers, done)
    _responses(rules, fleet, b, consumers, load, done)
    _operator(rules, b, done.entries_eur.shape[1] - 1, done)


@inner
def reward_kernel(rules, fleet, b, done):  # type: ignore[no-untyped-def]
    """Each agent's own ledger, of units of one owner the sum; the operator's three objectives."""
    entries, reward = done.entries_eur[b], done.reward[b]
    operator, units = entries.shape[0] - 1, done.output_mw.shape[1]
    social, tonnes = 0.0, 0.0
    for i in range(entries.shape[0]):
        reward[i] = 0.0
        for entry in range(entries.shape[1]):
            reward[i] -= entries[i, entry]
        for entry in SOCIAL_PLACES:
            social += entries[i, entry]
    for i in range(units):
        tonnes += done.emissions_t[b, i]
    for i in range(units):  # owners stand before their other units
        if fleet.owner[i] != i:
            reward[fleet.owner[i]] += reward[i]
    for i in range(units):
        reward[i] = reward[fleet.owner[i]]
    stability = entries[operator, FREQUENCY] + entries[operator, VOLTAGE]
    objectives = done.objectives_eur[b]
    objectives[STABILITY] = -STABILITY_SCALE * stability
    objectives[COST] = -social
    objectives[ENVIRONMENT] = -rules.carbon * tonnes
    weighted = rules.stability_weight * objectives[STABILITY]
    weighted += rules.environment_weight * objectives[ENVIRONMENT]
    reward[operator] = objectives[COST] + weighted
