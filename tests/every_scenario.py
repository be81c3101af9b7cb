"""Cases that run over every scenario, and over two of them where kernels are plain Python."""

import pytest

from p2p_market.registry import load_scenario, read_scenario
from p2p_market.scenarios import scenario_ids


def ids_of(track: str) -> list[str]:
    """Shipped scenarios of a track."""
    return [name for name in scenario_ids() if read_scenario(name).track == track]


COMMUNITY = ids_of("community")

MACHINES = [name for name in COMMUNITY if load_scenario(name).nodes.machines is not None]

VOLTAGES = [name for name in COMMUNITY if load_scenario(name).spec.voltage is not None]

STORES = [name for name in COMMUNITY if name not in (*MACHINES, *VOLTAGES)]
"""For tests that change batteries, contracts and lines at random: the others refuse some of it."""

AGREED = [name for name in COMMUNITY if load_scenario(name).spec.coordination is not None]

SELDOM = [name for name in (*MACHINES, *VOLTAGES) if name != "assets-12-v0"]
"""What they add is played once: tests that walk all scenarios mark them slow, but for `ALWAYS`."""

ALWAYS = (
    "test_golden_episode",
    "test_every_test_episode_is_published_with_its_certificate",
    "test_every_week_leaves_something_to_win_and_its_optimum_is_nearly_proved",
)

PLAIN = ("classic-v0", "ev-12-v0")  # hourly without losses; quarters of an hour, with vehicles

EVERY_SCENARIO = [
    pytest.param(name, marks=() if name in PLAIN else pytest.mark.compiled) for name in COMMUNITY
]

VARIED = (*PLAIN, "community-16-v0", "binding-feeder-v0", "outage-v0", "resale-6-v0")


def _marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    if name in PLAIN:
        return ()
    return (pytest.mark.compiled,) if name in VARIED else (pytest.mark.slow,)


VARIED_SCENARIOS = [pytest.param(name, marks=_marks(name)) for name in COMMUNITY]
"""Every scenario, the varied ones in seconds: for cases that run over every baseline too."""
