"""Frequency deviation of an interval, reduced to what its decisions change."""

from p2p_market.compilation import inner


@inner(forceinline=True)
def deviation(damping, gains, rooms, missing, highest_hz):  # type: ignore[no-untyped-def]
    """Smallest x >= 0 with D x + sum min(k x, h) >= missing, and what is shed at the highest x."""
    x, slope, covered = 0.0, damping, 0.0
    for i in range(gains.shape[0]):
        if gains[i] > 0.0 and rooms[i] > 0.0:
            slope += gains[i]
    while covered < missing:
        step = highest_hz
        for i in range(gains.shape[0]):
            if gains[i] > 0.0 and rooms[i] > 0.0:
                knee = rooms[i] / gains[i]
                if knee > x:
                    step = min(step, knee)
        if slope > 0.0 and covered + slope * (step - x) >= missing:
            return x + (missing - covered) / slope, 0.0
        covered += slope * (step - x)
        x = step
        if x >= highest_hz:
            return highest_hz, missing - covered
        for i in range(gains.shape[0]):
            if gains[i] > 0.0 and rooms[i] > 0.0 and rooms[i] / gains[i] == x:
                slope -= gains[i]
    return x, 0.0
