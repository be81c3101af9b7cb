"""Words for numbers of things and for stretches of time, the same on the screen and on pages."""


def counted(number: int, word: str) -> str:
    """For example "1 week" or "13 weeks"."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def period(days: int, draws: int = 1) -> str:
    """What an episode of so many days is called, of which there may be several draws."""
    if draws > 1:
        return "draw"
    return "week" if days == 7 else "episode"


def per(days: int) -> str:
    """After a unit: "a week" or "an episode"."""
    return "a week" if days == 7 else "an episode"


def episodes(number: int, days: int, draws: int = 1) -> str:
    """For example "13 weeks", "6 episodes of 2 days" or "13 weeks with 4 draws each"."""
    long = "" if days == 7 else f" of {counted(days, 'day')}"
    drawn = "" if draws == 1 else f" with {draws} draws{'' if number == 1 else ' each'}"
    return counted(number, period(days)) + long + drawn
