"""What the filter penalty is charged on where an agent is not heard, so that no silence is cheaper.

| message | charged on |
|---|---|
| heard | what was moved: asked against executed, set-points and quantity |
| missing, or with a number that is not finite or beyond `LARGEST` | `largest_correction` |
| sound, but the agent is held | `would_move`: what the filter would have moved of it |
| sound, but a meter was found wrong in this step | nothing |
| lost or spoiled by a fault that the scenario draws | nothing |

The fallback's own set-points cost nothing: they are nobody's choice.
"""

from numba import njit


@njit
def largest_correction(surplus, low, high, lowest, highest, limit, shared):  # type: ignore[no-untyped-def]
    """The largest correction that an action of the action space could have had in this step [kW].

    The quantity counts with the connection limit: an order of the wrong sign loses all of it. The
    set-points count with their largest distance from what limits and connection leave of them, in
    all. The distance is convex, so it is largest in a corner of the action space; it is a sum over
    the devices if storage is moved down, up or not at all by the connection. Where others have a
    say as well (`shared`: a binding feeder, an outage), each device counts with its largest
    distance from any power between its limits and idle.

    Args:
        surplus: PV less load [kW].
        low: lowest power of each device in this step, (asset,) [kW].
        high: highest power of each device in this step, (asset,) [kW].
        lowest: lower end of each set-point in the action space, (asset,) [kW].
        highest: upper end, (asset,) [kW].
        limit: of the connection [kW].
        shared: whether what is executed depends on others too.
    """
    kept, lowered, raised, anywhere = 0.0, 0.0, 0.0, 0.0
    least, most = -surplus, -surplus
    for k in range(low.shape[0]):
        kept += max(highest[k] - high[k], low[k] - lowest[k])
        lowered += max(highest[k] - low[k], low[k] - lowest[k])
        raised += max(highest[k] - high[k], high[k] - lowest[k])
        anywhere += max(highest[k] - min(low[k], 0.0), max(high[k], 0.0) - lowest[k])
        least += low[k]
        most += high[k]
    if shared:
        return limit + anywhere
    lowered += min(least - limit, 0.0)  # if even the least is too much, PV or load is cut
    raised += min(-most - limit, 0.0)
    return limit + max(kept, max(lowered, raised))


@njit
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
