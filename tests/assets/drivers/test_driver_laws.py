"""What every law keeps, and that each does what its device needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.assets.drivers import GENERATION, LAWS, Drive, series_of
from p2p_market.assets.drivers.jobs import cooling_share
from p2p_market.assets.drivers.panel import best_tilt_deg, irradiance_wm2
from p2p_market.assets.drivers.wind import TURBINES, local_speed_ms, rayleigh_speed_ms
from p2p_market.assets.sun import clear_sky_fraction
from p2p_market.community.scenario.members import CLEAR_SKY_SHARE
from p2p_market.data import load, weather

DAYS = 7
QUARTERS = 96 * DAYS
WEEK = slice(96 * 20, 96 * 20 + QUARTERS)
WEATHER = weather.load("de2018")
HOUSE = "old_building_single_family_house"


def series(dt_h: float) -> dict[str, object]:
    """A week in January of all series that laws ask for."""
    steps = round(24 * DAYS / dt_h)
    wind = local_speed_ms(
        WEATHER.of("wind_rank")[WEEK], 5.5, np.random.default_rng(1).standard_normal(QUARTERS)
    )
    return {
        "steps": steps,
        "temperature_c": WEATHER.of("temperature_c")[WEEK],
        "heat_kw": WEATHER.of("heat_kw", HOUSE)[WEEK],
        "hot_water_kw": WEATHER.of("hot_water_kw", HOUSE)[WEEK],
        "wind_speed_ms": wind,
        "wind_ms": wind,
        "irradiance_wm2": np.tile(np.maximum(0.0, 500.0 * np.sin(np.arange(96) / 15.0)), DAYS),
        "light_wm2": np.tile(np.maximum(0.0, 900.0 * np.sin(np.arange(96) / 15.0)), DAYS),
        "flow_m3s": 0.3 * WEATHER.of("river_fraction")[WEEK],
        "wind_direction_deg": np.linspace(0.0, 359.0, QUARTERS),
        "net_load_kw": np.linspace(-3.0, 3.0, round(24 * DAYS / dt_h)),
    }


PARAMETERS = {
    "hydro_storage": {"head_m": 20.0},
    "biogas_chp": {"inflow_kw": 35.0},
    "heat_chp": {"store_kwh": 30.0, "leak_per_h": 0.01},
    "hydrogen": {"pick_up_kg": np.full(DAYS, 5.0)},
    "shiftable_load": {
        "daily_kwh": np.full(DAYS, 30.0), "from_h": 8.0, "window_h": 10.0, "power_kw": 5.0,
    },
    "data_centre": {"job_kwh": np.full((DAYS, 4), 20.0), "power_kw": 5.0},
    "vehicle_to_house": {"power_kw": 11.0},
    "pv_detail": {"peak_kw": 10.0},
    "wind_turbine": {"rated_kw": 30.0},
    "wind_turbine_in_wake": {"rated_kw": 30.0, "wake": 0.3, "wake_sector_deg": 270.0},
    "run_of_river": {"head_m": 4.0, "design_m3s": 0.5, "keep_m3s": 0.1},
    "geothermal_binary": {"rated_kw": 20.0},
}  # fmt: skip


def ask(name: str, dt_h: float) -> Drive | np.ndarray:
    """A law with the series it needs."""
    law = {**LAWS, **GENERATION}[name]
    have = series(dt_h)
    given_series = {one: have[one] for one in series_of(law)}
    return law(**given_series, dt_h=dt_h, **PARAMETERS.get(name, {}))


def in_steps(values: np.ndarray, decimals: int) -> bool:
    finite = values[np.isfinite(values)]
    return bool(np.all(finite == np.round(finite, decimals)))


@pytest.mark.parametrize("dt_h", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("name", LAWS)
def test_a_drive_is_rounded_and_in_range(name, dt_h):
    drive = ask(name, dt_h)
    for field in drive.__match_args__:
        values = getattr(drive, field)
        assert values.shape == (round(24 * DAYS / dt_h),)
        assert not np.isnan(values).any()
        assert in_steps(values, 6 if field.endswith("share") else 3)
        assert not values.flags.writeable
    assert np.isfinite(drive.drift_kwh).all()
    assert np.all(drive.charge_share >= 0.0)
    for share in (drive.low_share, drive.high_share):
        assert np.all((share >= 0.0) & (share <= 1.0))
    assert np.all(drive.floor_kwh <= drive.top_kwh)


@pytest.mark.parametrize("name", sorted(LAWS.keys() - {"heat_chp"}))
def test_energy_is_the_same_in_quarters_and_hours(name):
    """Where nothing leaks; a leaking level keeps a little less of what came early in an hour."""
    quarters, hours = ask(name, 0.25).drift_kwh, ask(name, 1.0).drift_kwh
    leaks = name in ("heated_room", "cold_store")
    assert quarters.sum() == pytest.approx(hours.sum(), rel=0.015 if leaks else 0.0, abs=0.5)


@pytest.mark.parametrize("name", GENERATION)
def test_power_is_the_mean_of_quarters(name):
    quarters, hours = ask(name, 0.25), ask(name, 1.0)
    assert in_steps(quarters, 3)
    assert in_steps(hours, 3)
    assert np.all(quarters >= 0.0)
    assert quarters.max() > 0.0
    assert hours == pytest.approx(quarters.reshape(-1, 4).mean(axis=1), abs=0.00101)


def test_a_law_says_which_series_it_needs():
    assert series_of(LAWS["heat_pump"]) == ("temperature_c", "heat_kw", "hot_water_kw")
    assert series_of(LAWS["biogas_chp"]) == ("steps",)
    assert series_of(GENERATION["run_of_river"]) == ("flow_m3s",)


def test_the_coefficient_is_that_of_the_mean_temperature():
    air = np.array([-15.0, 15.0, 5.0, 20.0])
    zero = np.zeros(4)
    share = LAWS["heat_pump"](air, zero, zero, 1.0, flow_c=35.0).charge_share
    assert share == pytest.approx([0.45 * 308.15 / (35.0 - 6.25) / 3.0], abs=1e-6)
    ground = LAWS["heat_pump"](air, zero, zero, 1.0, flow_c=35.0, source_c=8.0).charge_share
    assert ground == pytest.approx([5.135833 / 3.0], abs=1e-6)


def test_heat_is_the_mean_of_the_demand_and_not_that_of_the_mean():
    demand = np.array([0.0, 0.0, 8.0, 0.0])
    drive = LAWS["heat_pump"](np.zeros(4), demand, np.ones(4), 1.0)
    assert drive.drift_kwh == pytest.approx([-3.0])


def test_room_in_a_store_is_made_by_demand_and_losses():
    drive = LAWS["heat_chp"](np.full(4, 5.0), np.full(4, 1.0), 1.0, store_kwh=40.0, leak_per_h=0.1)
    heat = 40.0  # a full store, so no room; an hour without the engine, by the heat itself
    after = heat * np.exp(-0.1) - 6.0
    assert drive.drift_kwh == pytest.approx([40.0 - after], abs=0.001)


def test_sun_through_the_window_and_cold_outside():
    dark, sunny = (
        LAWS["heated_room"](np.full(4, 10.0), np.full(4, light), 1.0) for light in (0.0, 1000.0)
    )
    hours = (1.0 - np.exp(-0.025)) / 0.025
    assert sunny.drift_kwh - dark.drift_kwh == pytest.approx([2.0 * hours], abs=0.001)
    assert dark.drift_kwh == pytest.approx([(-0.2 * 10.0 + 0.4) * hours], abs=0.001)


def test_cold_batteries():
    drive = LAWS["outdoor_battery"](np.array([-30.0, -17.5, -10.0, -2.5, 5.0, 20.0]), 0.25)
    assert drive.high_share == pytest.approx([0.0, 0.0, 0.0, 0.5, 1.0, 1.0])
    assert drive.low_share == pytest.approx([0.0, 0.5, 1.0, 1.0, 1.0, 1.0])


def test_a_vehicle_gives_no_more_than_the_house_takes():
    load_kw = np.array([-1.0, 0.0, 1.0, 11.0, 30.0])
    share = LAWS["vehicle_to_house"](load_kw, 0.25, power_kw=11.0).low_share
    assert np.all(share * 11.0 <= np.maximum(load_kw, 0.0))
    assert share == pytest.approx([0.0, 0.0, 1.0 / 11.0, 1.0, 1.0], abs=1e-6)


def test_a_data_centre_needs_more_power_when_it_is_warm():
    assert cooling_share(np.array([0.0, 15.0, 38.0])) == pytest.approx([1.0, 1.0, 1.15 / 1.38])


def test_the_tube_of_a_job_by_hand():
    drive = LAWS["shiftable_load"](
        24, 1.0, daily_kwh=np.array([6.0]), from_h=8.0, window_h=4.0, power_kw=2.0, ahead_h=1.0
    )
    window = slice(7, 11)
    assert drive.floor_kwh[window].tolist() == [0.0, 2.0, 4.0, 0.0]
    assert drive.top_kwh[window].tolist() == [6.0, 6.0, 6.0, 0.0]
    assert drive.drift_kwh[window].tolist() == [0.0, 0.0, 0.0, -6.0]
    assert drive.hours_left[window].tolist() == [4.0, 3.0, 2.0, 1.0]
    for field in ("drift_kwh", "floor_kwh", "top_kwh", "hours_left"):
        assert not np.delete(getattr(drive, field), range(7, 11)).any()


@given(
    name=st.sampled_from(["shiftable_load", "data_centre"]),
    dt_h=st.sampled_from([0.25, 0.5, 1.0]),
    volumes=st.lists(st.floats(0.0, 1.0), min_size=4 * DAYS, max_size=4 * DAYS),
    warmth_c=st.floats(-10.0, 35.0),
    eager=st.booleans(),
)
def test_who_stays_in_the_tube_finishes_every_job(name, dt_h, volumes, warmth_c, eager):
    """Even who always does the least that the floor allows; power is just enough."""
    power_kw, steps = 5.0, round(24 * DAYS / dt_h)
    shares = np.array(volumes).reshape(DAYS, 4)
    if name == "shiftable_load":
        drive = LAWS[name](
            steps, dt_h, daily_kwh=shares[:, 0] * 5.0 * 6.0,
            from_h=9.0, window_h=6.0, power_kw=power_kw,
        )  # fmt: skip
    else:
        air = np.full(QUARTERS, warmth_c)
        most = power_kw * 6.0 * float(cooling_share(warmth_c)) - 0.01
        drive = LAWS[name](air, dt_h, job_kwh=shares * most, power_kw=power_kw)
    level, lost = 0.0, 0.0
    for t in range(steps):
        gain = dt_h * drive.charge_share[t]
        target = drive.top_kwh[t] if eager else drive.floor_kwh[t]
        power = min(max(target - drive.drift_kwh[t] - level, 0.0) / gain, power_kw)
        level += drive.drift_kwh[t] + gain * power
        lost, level = lost + max(-level, 0.0), max(level, 0.0)
        assert level <= drive.top_kwh[t] + 1e-9
    assert lost <= 0.002 * 4 * DAYS


def test_turbines_run_as_often_as_turbines_do():
    """Capacity factor, hours without power and memory of the three presets."""
    rank = WEATHER.of("wind_rank")
    known = {"small": (0.13, 0.23), "farm": (0.19, 0.22), "park": (0.25, 0.16)}
    for name, (factor, still) in known.items():
        one = TURBINES[name]
        speed = local_speed_ms(rank, one.mean_ms, np.random.default_rng(7).standard_normal(35_040))
        power = GENERATION["wind_turbine"](
            speed, 0.25, rated_kw=one.rated_kw, cut_in_ms=one.cut_in_ms, rated_ms=one.rated_ms,
            cut_out_ms=one.cut_out_ms, wake=one.wake,
        )  # fmt: skip
        assert power.mean() / one.rated_kw == pytest.approx(factor, abs=0.02)
        assert (power == 0.0).mean() == pytest.approx(still, abs=0.05)
        assert np.corrcoef(power[1:], power[:-1])[0, 1] == pytest.approx(0.986, abs=0.004)
        assert speed.mean() == pytest.approx(one.mean_ms, rel=0.03)
        assert rayleigh_speed_ms(rank, one.mean_ms).mean() == pytest.approx(one.mean_ms, rel=1e-4)


def test_light_and_roofs_are_those_of_germany():
    data = load("de2018")
    hours = np.arange(0.5, 35_040) / 4.0
    flat, tilted = (
        irradiance_wm2(
            clear_sky_fraction(51.3, 9.5, tilt, 180.0, hours), data.solar_clearness, CLEAR_SKY_SHARE
        )
        for tilt in (0.0, 35.0)
    )
    assert flat.sum() / 4000.0 == pytest.approx(972.0, rel=0.05)  # kWh/m2 of the typical year
    power = GENERATION["pv_detail"](
        tilted, WEATHER.of("temperature_c"), np.full(35_040, 3.0), 0.25, peak_kw=10.0
    )
    assert power.sum() / 40.0 == pytest.approx(1000.0, rel=0.08)  # kWh per kWp
    old = GENERATION["pv_detail"](
        tilted, WEATHER.of("temperature_c"), np.full(35_040, 3.0), 0.25, peak_kw=10.0, age_years=20
    )
    assert old.sum() / power.sum() == pytest.approx(0.995**20, abs=0.005)
    assert power.max() <= 10.0 / 1.1


def test_best_tilt():
    clear = np.ones(35_040)
    assert best_tilt_deg(0.0, 15.0, clear) == pytest.approx(0, abs=2)
    assert 30 <= best_tilt_deg(51.3, 9.5, load("de2018").solar_clearness) <= 42
    assert best_tilt_deg(60.0, 15.0, clear) > best_tilt_deg(45.0, 15.0, clear)
