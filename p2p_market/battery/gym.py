"""Importing this registers every scenario of one battery with Gymnasium; nothing else does.

`gymnasium.make("p2p_market.battery.gym:battery-146-v0")` imports it by itself.
"""

from gymnasium.envs.registration import register

from p2p_market.registry import read_scenario
from p2p_market.scenarios import fetched_ids, scenario_ids

for _name in (*scenario_ids(), *fetched_ids()):
    _spec = read_scenario(_name)
    if _spec.track == "battery" and len(_spec.batteries) == 1:
        register(
            _name,
            entry_point="p2p_market.battery.envs.single:single",
            vector_entry_point="p2p_market.battery.envs.vector:vector",
            kwargs={"scenario_id": _name},
        )
