"""Whose module a name means: ours, the user's in the current folder, or one that is installed.

A working folder may hold `report.py`, `baselines/`, `random.py`, whatever people call things. Names
of baselines, reports and verbs mean the packages beside `p2p_market`. MODULE:FACTORY means the
current folder first. Where both have the same name, each finds its own.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Final

ROOT: Final = str(Path(__file__).resolve().parents[1])
OURS: Final = ("baselines", "leaderboard", "report", "tools")
"""Packages of a checkout, beside `p2p_market`."""
SAFE_PATH: Final = "PYTHONSAFEPATH"


def in_checkout() -> bool:
    """Whether this is a checkout of the repository, and not an installed package alone."""
    return lies_in(ROOT, OURS[0]) is not None


def installing(*extras: str) -> str:
    """The command that installs extras."""
    chosen = f"[{','.join(extras)}]"
    return f"pip install -e '.{chosen}'" if in_checkout() else f"pip install 'p2p-market{chosen}'"


def needing(*extras: str) -> str:
    """What packages of a checkout need, as the end of a sentence: "it needs ..."."""
    command = f"pip install -e '.[{','.join(extras)}]'"
    return command if in_checkout() else f"a checkout of the repository, and there {command}"


def import_ours(name: str) -> ModuleType:
    """A module of a checkout, whatever the current folder holds.

    Raises:
        ImportError: if it cannot be imported.
    """
    with _looking({}):
        return importlib.import_module(name)


def import_from_here(name: str) -> ModuleType:
    """A module of the current folder if it has it, else ours or one that is installed.

    Raises:
        ImportError: if it cannot be imported.
    """
    with here(name) as module:
        return module


def load(target: str) -> Any:
    """What a `module:name` of ours or of an installed package means.

    Raises:
        ImportError: if it cannot be imported, or the module has no such name.
    """
    module, _, name = target.partition(":")
    found = import_ours(module)
    if not hasattr(found, name):
        raise ImportError(f"{module} has no {name!r}")
    return getattr(found, name)


@contextmanager
def here(name: str) -> Iterator[ModuleType]:
    """The same; while the block runs, the folder's modules are found by their own names.

    Raises:
        ImportError: if it cannot be imported.
    """
    importlib.invalidate_caches()
    folder, top = os.getcwd(), name.partition(".")[0]
    own = None if folder == ROOT or top == "p2p_market" else lies_in(folder, name)
    if own is None:
        with _looking({}):
            yield importlib.import_module(name)
        return
    names = {ours for ours in OURS if _has_code(folder, ours)}
    alone = own.submodule_search_locations is None and top == name
    if aside := alone and _is_elsewhere(top, folder):
        names.discard(top)  # Python's own `random` stays what it is
    elif _is_elsewhere(top, folder):
        names.add(top)
    with _looking(dict.fromkeys(names, folder), first=True):
        yield _under_another_name(own) if aside else importlib.import_module(name)


def spec_of_ours(top: str) -> ModuleSpec | None:
    """Where a package of a checkout lies, whatever the current folder holds; nothing is run."""
    with _looking({}):
        try:
            return importlib.util.find_spec(top)
        except ValueError:  # a module that was made by hand
            return None


def spec_from_here(name: str) -> ModuleSpec | None:
    """Where `import_from_here` takes a module from, of a package its outermost; nothing is run."""
    importlib.invalidate_caches()
    folder, top = os.getcwd(), name.partition(".")[0]
    if folder != ROOT and top != "p2p_market" and lies_in(folder, name) is not None:
        return PathFinder.find_spec(top, [folder])
    return spec_of_ours(top)


def neutral_folder() -> str:
    """A folder in which nothing is named like a module of Python or of a library."""
    return ROOT if in_checkout() else os.path.abspath(os.sep)


@contextmanager
def safe_path() -> Iterator[None]:
    """Processes started inside the block do not take Python's own modules from the current folder.

    They get the path of this process before they import anything of ours.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        del os.environ[SAFE_PATH]
        if before is not None:
            os.environ[SAFE_PATH] = before


def lies_in(folder: str, name: str) -> ModuleSpec | None:
    """The code that a dotted name means in a folder, not imported; None if there is none."""
    places: list[str] = [folder]
    spec = None
    for part in name.split("."):
        spec = PathFinder.find_spec(part, places)
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or ())
    return spec if spec is not None and spec.has_location else None


def _has_code(folder: str, name: str) -> bool:
    """Whether a folder has modules of that name, or below it; results do not count."""
    return lies_in(folder, name) is not None or any(Path(folder, name).glob("*.py"))


def _is_elsewhere(name: str, folder: str) -> bool:
    """Whether a name means something else to others than to this folder."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None:
        places = [place for place in sys.path if place not in ("", folder)]
        spec = PathFinder.find_spec(name, places)
    return name in sys.builtin_module_names or (spec is not None and _folder_of(spec) != folder)


def _folder_of(spec: ModuleSpec) -> str:
    """Where a top-level module lies."""
    inside = list(spec.submodule_search_locations or ())
    return os.path.dirname(inside[0] if inside else spec.origin or "")


def _under_another_name(spec: ModuleSpec) -> ModuleType:
    """One file as a module beside another of the same name."""
    name = f"{spec.name} of {spec.origin}"
    if name not in sys.modules:
        own = importlib.util.spec_from_file_location(name, spec.origin)
        assert own is not None
        assert own.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(own)
        try:
            own.loader.exec_module(sys.modules[name])
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


class _Finder(MetaPathFinder):
    """Looks for some top-level names in one folder each, before anything else does."""

    def __init__(self) -> None:
        """Know ours alone."""
        self.places: Mapping[str, str] = {}  # of names of the user, while it is the user's turn
        self.aside: dict[tuple[str, str], dict[str, ModuleType]] = {}  # by name and place
        self.first = False  # whether the current folder comes before what is installed
        self.added: set[str] = set()  # folders that would not be on the path without us

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Where a name is; None leaves it to the others."""
        place = self.places.get(fullname, ROOT if fullname in OURS else None)
        return None if path or place is None else PathFinder.find_spec(fullname, [place])

    def begin(self) -> None:
        """Look from now on; packages named like ours, imported before, are set aside."""
        sys.meta_path.insert(0, self)
        for name in OURS:
            spec = getattr(sys.modules.get(name), "__spec__", None)
            if spec is not None and _folder_of(spec) != ROOT and lies_in(ROOT, name):
                self._put_aside(name, _folder_of(spec))

    def turn_to(self, places: Mapping[str, str], first: bool) -> None:
        """Look there from now on; what was imported by these names waits for its next turn."""
        for name in {*self.places, *places}:
            before, after = self.places.get(name, ""), places.get(name, "")
            if before != after:
                self._put_aside(name, before)
                sys.modules.update(self.aside.pop((name, after), {}))
        self.places, self.first = places, first
        folder = os.getcwd()
        if folder in sys.path and folder not in self.added:
            return
        self.added.add(folder)
        others = [place for place in sys.path if place != folder]
        installed = (n for n, place in enumerate(others) if place.endswith("-packages"))
        end = len(others)
        others.insert(next(installed, end) if first else end, folder)
        sys.path[:] = others

    def _put_aside(self, name: str, place: str) -> None:
        loaded = [key for key in sys.modules if key == name or key.startswith(f"{name}.")]
        self.aside[name, place] = {key: sys.modules.pop(key) for key in loaded}


_FINDER: Final = _Finder()


@contextmanager
def _looking(places: Mapping[str, str], first: bool = False) -> Iterator[None]:
    """Look for some names where it is said, for all others also in the current folder.

    It is searched last, or before what is installed; never before Python's own modules. A folder
    that is on the path already stays in its place.
    """
    if _FINDER not in sys.meta_path:
        _FINDER.begin()
    before, was_first = _FINDER.places, _FINDER.first
    _FINDER.turn_to(places, first)
    try:
        yield
    finally:
        _FINDER.turn_to(before, was_first)
