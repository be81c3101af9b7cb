"""The drawn series, computed once more from the text of docs/tracks/battery.md alone."""

import numpy as np
import pytest

from p2p_market.battery.episode.episode import draw, keys
from p2p_market.battery.records import COLUMN
from p2p_market.registry import load_scenario

TOOTH = np.array([-0.70, -0.17, 0.22, 0.65])
UP = (4.9, 9.6, 17.0, 10.1, 21.3, 15.9)
DOWN = (7.4, 6.3, 13.5, 26.6, 8.7, 2.5)


def ar(x, phi):
    """As the page says."""
    out = [x[0]]
    for shock in x[1:]:
        out.append(phi * out[-1] + np.sqrt(1.0 - phi * phi) * shock)
    return np.array(out)


def series(of, key):
    """Columns from 24 h before to 24 h past the episode, (step,)."""
    hours, days = 24 * (of.spec.days + 2), of.spec.days + 2
    first = 24 * (key.start_day - 1)
    hourly = of.day_ahead_eur_per_mwh[first : first + hours]
    price, n, scale = np.repeat(hourly, 4), 4 * hours, of.scale

    def generator(j):
        root = np.random.SeedSequence([key.seed, key.start_day], spawn_key=(j,))
        return np.random.Generator(np.random.PCG64(root))

    g = generator(0)
    a, b = g.normal(0, 17, (hours, 4)), g.normal(0, 11, hours)
    ramp = np.array([
        hourly[min(h + 1, hours - 1)] - hourly[max(h - 1, 0)] for h in range(hours)
    ])  # fmt: skip
    a = a - a.mean(axis=1, keepdims=True)
    auction = (np.clip(ramp / scale, -150, 150)[:, None] * TOOTH + a + b[:, None]).ravel()
    u, v = generator(1).standard_t(3.2, hours), generator(2).standard_t(3.0, n)
    u, v = u * np.sqrt(1.2 / 3.2), v * np.sqrt(1.0 / 3.0)
    away = 0.5 * auction + np.repeat(30 * ar(u, 0.72), 4) + 24 * ar(v, 0.5)
    short = np.cumsum(generator(3).random(n) < 0.23) % 2 == 0
    g = generator(4)
    normal, rare, tail = g.standard_normal(n), g.random(n), g.pareto(0.9, n)
    size = np.exp(np.where(short, 3.75, 3.95) + 0.88 * ar(normal, 0.75))
    size = np.where(rare < 0.008, size * np.clip(2 + tail, 1, 80), size)
    deviation = 0.35 * away + np.where(short, size, -size)
    afrr = []
    for j, mean, spread, bounds, none in (
        (5, 20, 38, (-120, 400), 0.012),
        (6, -31, 34, (-220, 120), 0.05),
    ):
        g = generator(j)
        normal, chance = g.standard_normal(n), g.random(n)
        own = mean + spread * ar(normal, 0.75) + 0.3 * np.clip(deviation, *bounds)
        afrr.append(np.where(chance < none, 0.0, np.maximum(price + scale * own, 0.0)))
    g = generator(7)
    chance, normal = g.random((2, n)), g.standard_normal((2, n))
    up = short & (deviation > 90) & (chance[0] < 0.06)
    down = ~short & (deviation < -110) & (chance[0] < 0.06)
    up[1:], down[1:] = up[1:] | up[:-1], down[1:] | down[:-1]
    per = 4 // of.per_hour

    def mean(x):
        return x.reshape(-1, per).mean(axis=1)

    ups, downs = up.reshape(-1, per).sum(axis=1), down.reshape(-1, per).sum(axis=1)
    hour = np.arange(n // per) // of.per_hour % 24
    call = np.where(ups + downs == 0, 0, np.where(ups >= downs, 1, -1)) * (hour != 23)
    imbalance = np.round(mean(np.where(short, 1, -1) * np.minimum(6 * size, 2500)), 1)
    chance = 0.15 * np.where((hour >= 17) & (hour <= 21), 1.3, 1.0)
    chance = chance * np.where(np.abs(imbalance) > 500, 1.5, 1.0)
    called = generator(11).random(n // per) < chance
    intraday = np.round(np.clip(mean(price + scale * away), -500, 1000), 2)
    distance = np.abs(intraday - np.round(mean(price), 2))
    found = {
        "day_ahead": mean(price),
        "intraday": intraday,
        "spread": np.round(np.maximum(1, 2 + 0.06 * np.append(0, distance[:-1])), 2),
        "imbalance": imbalance,
        "afrr_up": np.round(np.minimum(mean(afrr[0]), 1000), 2),
        "afrr_down": np.round(np.minimum(mean(afrr[1]), 1000), 2),
        "mfrr_up": price + scale * np.exp(4.5 + 0.8 * normal[0]),
        "mfrr_down": price - scale * np.exp(4.6 + 0.55 * normal[1]),
        "mfrr_call": call,
        "activation": np.where(called, np.where(imbalance > 0, 1, -1), 0),
        "marginal": np.exp(0.2104 + 0.25 * ar(generator(10).standard_normal(hours), 0.7)),
    }
    for name in ("mfrr_up", "mfrr_down"):
        found[name] = np.round(np.clip(mean(found[name]), -1000, 1000), 2)
    found["marginal"] = np.repeat(np.round(found["marginal"], 4), of.per_hour)
    for j, name, sd, phi, blocks in (
        (8, "afrr_cap_up", 0.65, 0.93, UP),
        (9, "afrr_cap_down", 0.80, 0.91, DOWN),
    ):
        daily = scale * np.exp(sd * ar(generator(j).standard_normal(days), phi) - sd * sd / 2)
        reference = np.round(np.minimum(np.outer(daily, blocks), 500), 2).ravel()
        found[name] = np.repeat(reference, 4 * of.per_hour)
    return found


@pytest.mark.parametrize("name", ["battery-146-v0", "battery-146-quarter-v0"])
def test_series_are_those_of_the_page(name):
    of = load_scenario(name)
    key = keys(of, "test", 0)[4][2]
    rows, found = draw(of, key).market[0], series(of, key)
    assert found.keys() == COLUMN.keys()
    first = 24 * of.per_hour - 1
    for column, place in COLUMN.items():
        own = found[column][first : first + of.steps + 2]
        assert np.allclose(rows[:, place], own, rtol=0.0, atol=1e-9), column
