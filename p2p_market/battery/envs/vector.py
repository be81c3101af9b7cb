"""Rows of batteries for Gymnasium."""

from gymnasium.vector import AutoresetMode

from p2p_market.battery.envs.batch import fleets
from p2p_market.battery.envs.single import scenario_for
from p2p_market.kit.vector import BatchVectorEnv as BatteryVectorEnv
from p2p_market.validation import no_pictures


def vector(
    scenario_id: str,
    num_envs: int = 1,
    actions: str = "choices",
    split: str = "train",
    autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
    render_mode: str | None = None,
) -> BatteryVectorEnv:
    """Many fleets of a scenario as a Gymnasium vector environment, a row for each battery.

    Args:
        scenario_id: as in `p2p_market.make`.
        num_envs: number of fleets.
        actions: "choices" or "numbers", see `p2p_market.battery.single`.
        split: part of the year that episodes are drawn from.
        autoreset_mode: who returns the first observations of the next episode.
        render_mode: there is none.

    Raises:
        ScenarioError: if there is no such scenario in this track.
        ArgumentError: if an argument has a value that is not allowed.
    """
    no_pictures(render_mode)
    batch = fleets(scenario_for(scenario_id, actions), num_envs, split=split)
    return BatteryVectorEnv(batch, autoreset_mode)
