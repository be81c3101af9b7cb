"""Libraries with torch inside, on one thread."""

from tests.baselines.threads import one_thread

__all__ = ["one_thread"]
