"""Cases that run over every scenario, and over two of them where kernels are plain Python."""

import pytest

from p2p_market.scenario import scenario_ids

PLAIN = ("classic-v0", "ev-12-v0")  # hourly without losses; quarters of an hour, with vehicles

EVERY_SCENARIO = [
    pytest.param(name, marks=() if name in PLAIN else pytest.mark.compiled)
    for name in scenario_ids()
]
