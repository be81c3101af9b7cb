"""The one error of code that runs in the limited process; it imports nothing."""


class RefusedError(Exception):
    """What is not allowed in a network, and how to fix it."""
