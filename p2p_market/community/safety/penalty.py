"""What the filter penalty is charged on where an agent is not heard, so that no silence is cheaper.

| message | charged on |
|---|---|
| heard | what was moved: asked against executed, set-points and quantity |
| missing, or with a number that is not finite or beyond `LARGEST` | `largest_kw` |
| sound, but the agent is held | `would_move`: what the filter would have moved of it |
| sound, but a meter was found wrong in this step | nothing |
| lost or spoiled by a fault that the scenario draws | nothing |

The fallback's own set-points cost nothing: they are nobody's choice.
"""

from p2p_market.community.kernel_inputs import rules_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import inner
from p2p_market.records import FloatArray


def largest_kw(scenario: Scenario) -> FloatArray:
    """More than this no action of the action space is ever moved, whatever the step, (agent,) [kW].

    The quantity by the connection limit, which an order of the wrong sign loses; each set-point by
    the whole range of its device. It does not depend on the levels of the storage: else an agent
    could first bring them where silence is cheap.
    """
    return rules_of(scenario).largest_kw


@inner(forceinline=True)
def would_move(setpoint, quantity, surplus, low, high, limit):  # type: ignore[no-untyped-def]
    """What limits, connection and own surplus would have moved of a message, were it heard [kW].

    Args:
        setpoint: asked, (asset,) [kW].
        quantity: asked [kW], positive = buy.
        surplus: PV less load [kW].
        low: lowest power of each device in this step, (asset,) [kW].
        high: highest power of each device in this step, (asset,) [kW].
        limit: of the connection [kW].
    """
    moved, net, down, up = 0.0, -surplus, 0.0, 0.0
    for k in range(low.shape[0]):
        p = min(max(setpoint[k], low[k]), high[k])
        moved += abs(setpoint[k] - p)
        net += p
        down += p - low[k]
        up += high[k] - p
    lowered = min(max(net - limit, 0.0), down)
    raised = min(max(-net - limit, 0.0), up)
    net = min(max(net - lowered + raised, -limit), limit)
    left = min(max(quantity, min(net, 0.0)), max(net, 0.0))
    return moved + lowered + raised + abs(quantity - left)
