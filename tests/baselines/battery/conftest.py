"""Libraries with torch inside: one thread, for several wait for each other on a busy machine."""

from tests.baselines.interop.conftest import one_thread as one_thread
