"""The order of an observation: what is newer stands behind, so places of the old stay."""

from p2p_market.community.observation import features
from p2p_market.community.scenario.scenario import build, validated
from tests.community.machines.zoo import content

MACHINE = [
    "power_low_0", "power_high_0", "power_keep_0", "drift_0", "charge_share_0", "running_0",
    "soh_0", "drift_in_1h_0", "drift_in_3h_0", "drift_in_8h_0", "drift_in_24h_0",
]  # fmt: skip
AIR = ["temperature", *(f"temperature_in_{h}h" for h in (1, 3, 8, 24))]
BOARD = [f"board_{what}_0" for what in ("kind", "capacity", "fill", "shade")]
PORTFOLIO = [
    "profit_1h", "profit_24h", "profit_7d", "cost_24h", "success_24h", "roi_7d", "sharpe",
    "max_drawdown", "cvar_10", "rating", "production", "consumption", "net_load",
]  # fmt: skip
ACTS = ["fuel_price", "fuel_under_way", "service_left", "service_wait"]
LINE = ["voltage", "voltage_low", "voltage_high", "line_loading"]
INBOX = [
    f"inbox_{word}_{slot}"
    for slot in range(4)
    for word in (
        "forward", "backup", "coalition", "sender", "quantity", "price", "premium", "start",
        "length",
    )
]  # fmt: skip
AGREED = [
    *INBOX, "position", *(f"position_in_{h}h" for h in (1, 3, 8, 24)), "position_price",
    "exposure", "credit_left", "opportunity", "coalition_size", "shared_senders", "shared_error",
    *(f"shared_in_{h}h" for h in (1, 3, 8, 24)),
]  # fmt: skip


def test_machines_weather_neighbours_trade_acts_line_and_agreements_follow_in_this_order():
    values = content(
        "wood_chp", optimum="mixed_integer", observe=["board", "portfolio"], coordination={},
        voltage={"mode": "report"},
    )  # fmt: skip
    values["members"][0]["assets"][-1]["maintenance_h"] = 8
    pump = {"kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25}
    values["members"][1]["assets"][2:] = [pump]
    names = [one.name for one in features(build(validated(values, "all.yaml")))]
    newer = [*MACHINE, *AIR, *BOARD, "sentiment", *PORTFOLIO, *ACTS, *LINE, *AGREED]
    assert names[-len(newer) :] == newer
    assert names[-len(newer) - 1] == "retail_band_24h"
