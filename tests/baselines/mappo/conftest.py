import pytest

from p2p_market.registry import load_scenario


@pytest.fixture(scope="session")
def shortened(tmp_path_factory):
    """Files of shipped scenarios whose episodes are days."""
    import yaml

    folder = tmp_path_factory.mktemp("scenarios")

    def file_of(name):
        path = folder / f"{name}-day.yaml"
        if not path.exists():
            changed = {"id": "one-day-v0", "days": 1}
            spec = load_scenario(name).spec.model_copy(update=changed)
            path.write_text(yaml.safe_dump(spec.model_dump(mode="json")), encoding="utf-8")
        return path

    return file_of
