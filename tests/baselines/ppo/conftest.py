import pytest

from p2p_market.registry import load_scenario


@pytest.fixture(scope="session")
def one_day(tmp_path_factory):
    """The file of a scenario whose episodes are days: six firms, hourly."""
    import yaml

    spec = load_scenario("classic-v0").spec.model_copy(update={"id": "one-day-v0", "days": 1})
    path = tmp_path_factory.mktemp("scenario") / "one-day-v0.yaml"
    path.write_text(yaml.safe_dump(spec.model_dump(mode="json")), encoding="utf-8")
    return path


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """As trainings have it; more make small networks slower where other tests run."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
