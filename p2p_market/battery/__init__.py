"""Track `battery`: one or more large batteries in day-ahead, intraday and two reserve markets."""

from p2p_market.battery.actions import masks as mask_of
from p2p_market.battery.envs.macro import MacroBids
from p2p_market.battery.envs.masked import masked
from p2p_market.battery.envs.single import single
from p2p_market.battery.envs.vector import vector
from p2p_market.battery.scenario import in_numbers

__all__ = ["MacroBids", "in_numbers", "mask_of", "masked", "single", "vector"]
