import pytest


@pytest.fixture
def per(benchmark):
    """Note what one call does, so that tables can say how long one of them takes."""

    def note(unit: str, count: int = 1) -> None:
        benchmark.extra_info.update(unit=unit, count=count)

    return note
