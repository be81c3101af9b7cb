"""The one error of code that runs in the limited process; it imports nothing."""


class RefusedError(Exception):
    """What a network may not be, and how to mend it."""
