"""Which modules and which files the reference describes."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from leaderboard.package.manifest import Manifest
from leaderboard.record.record import Record
from p2p_market.battery.schema import BatterySpec
from p2p_market.community.scenario.schema import ScenarioSpec

REFERENCE: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Environments": (
        "From an id to an environment: one episode in PettingZoo, many in arrays, one agent in "
        "Gymnasium.",
        (
            "p2p_market.registry",
            "p2p_market.community.envs.env",
            "p2p_market.community.envs.batch",
            "p2p_market.community.envs.vector",
            "p2p_market.community.envs.wrappers",
            "p2p_market.battery.envs.env",
            "p2p_market.battery.envs.single",
            "p2p_market.battery.envs.batch",
        ),
    ),
    "Policies and scores": (
        "What a policy is, how it is played, and what its score is measured against.",
        (
            "p2p_market.evaluation.players.policy",
            "p2p_market.evaluation.rollout",
            "p2p_market.evaluation.benchmark",
            "p2p_market.evaluation.ends.certificate",
            "p2p_market.evaluation.statistics.bootstrap",
            "p2p_market.evaluation.statistics.paired",
        ),
    ),
    "Checks of your own parts": (
        "What an environment, a mechanism or a policy must keep, as functions for your tests.",
        (
            "p2p_market.testing.environment",
            "p2p_market.testing.mechanism",
            "p2p_market.testing.policy",
        ),
    ),
    "Contract of a track": (
        "What a track promises, the records that are handed around, and what tracks share.",
        (
            "p2p_market.track",
            "p2p_market.records",
            "p2p_market.tracks",
            "p2p_market.kit.schema",
            "p2p_market.kit.episodes",
            "p2p_market.kit.linear",
            "p2p_market.environment",
        ),
    ),
    "Markets and assets": (
        "One file per mechanism and per kind of device.",
        (
            "p2p_market.market",
            "p2p_market.market.book",
            "p2p_market.market.mcafee",
            "p2p_market.market.k_double_auction",
            "p2p_market.assets.node",
            "p2p_market.assets.machine",
            "p2p_market.assets.health",
            "p2p_market.assets.battery",
            "p2p_market.assets.electric_vehicle",
            "p2p_market.assets.pv",
            "p2p_market.community.wrappers",
        ),
    ),
    "Drivers": (
        "Laws from weather, water and people to what devices do, and the weather itself.",
        (
            "p2p_market.data.weather",
            "p2p_market.assets.drivers",
            "p2p_market.assets.drivers.heat",
            "p2p_market.assets.drivers.cold",
            "p2p_market.assets.drivers.wind",
            "p2p_market.assets.drivers.water",
            "p2p_market.assets.drivers.panel",
            "p2p_market.assets.drivers.chp",
            "p2p_market.assets.drivers.hydrogen",
            "p2p_market.assets.drivers.jobs",
            "p2p_market.assets.drivers.limits",
        ),
    ),
    "Errors": ("All errors that are raised on purpose.", ("p2p_market.errors",)),
}
"""Title of a page -> what it is about, and its modules."""

SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "Scenario of `community`": ScenarioSpec.model_json_schema,
    "Scenario of `battery`": BatterySpec.model_json_schema,
    "`submission.toml`": Manifest.model_json_schema,
    "`result.json`": Record.model_json_schema,
}
"""Title -> schema of a file."""
