from hypothesis import HealthCheck, settings

# No deadline: the first call of a kernel compiles it. Drawn examples are the same in every run, but
# for `make test-all`, which asks for the profile "explore".
settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "explore", settings.get_profile("steady"), derandomize=False, max_examples=1000
)
# Kernels as plain Python meet fewer: enough for every branch, and for an index beyond its array.
settings.register_profile("plain", settings.get_profile("steady"), max_examples=30)
settings.load_profile("steady")


def pytest_addoption(parser):
    words = "count no branches in tests of this folder: compiled kernels cannot be traced"
    parser.addoption("--untraced", action="append", default=[], metavar="FOLDER", help=words)


def pytest_itemcollected(item):
    """Of many communities of machines one is enough where seconds count."""
    named = getattr(item, "callspec", None) and [*item.callspec.params.values()]
    if not any(isinstance(value, str) and value.endswith("-v0") for value in named or ()):
        return
    from tests.every_scenario import ALWAYS, SELDOM

    if item.originalname not in ALWAYS and not set(SELDOM).isdisjoint(map(str, named)):
        item.add_marker("slow")


def pytest_collection_modifyitems(config, items):
    """Groups begin first, and then what takes longest, so that nobody waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)
    untraced = {config.rootpath / folder for folder in config.getoption("untraced")}
    for item in items:
        if not untraced.isdisjoint(item.path.parents):
            item.add_marker("no_cover")
