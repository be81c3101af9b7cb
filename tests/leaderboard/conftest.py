import pytest


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """An open season of two days; nobody writes into its folder."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("cvxpy")
    from tests.leaderboard.seasons import opened

    return opened(tmp_path_factory.mktemp("season"))


@pytest.fixture(scope="session")
def another(tmp_path_factory):
    """The same season with another secret."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("cvxpy")
    from tests.leaderboard.seasons import opened

    return opened(tmp_path_factory.mktemp("another"), bytes(32), "another")
