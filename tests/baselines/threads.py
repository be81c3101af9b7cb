"""Libraries with torch inside: one thread, for several wait for each other on a busy machine."""

import pytest


@pytest.fixture(autouse=True)
def one_thread():
    try:
        import torch
    except ImportError:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
