"""`kernel` declares a compiled function; the compiled code is kept on disk and never outdated.

Numba's cache is used with another key (`fingerprint`), another choice of folders, and read on the
first call instead of on import. What cannot be read or written is compiled again.
"""

import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final, TypeGuard, overload

from numba import njit
from numba.core import config
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    NullCache,
    _CacheLocator,
)
from numba.core.dispatcher import Dispatcher
from numba.core.types.containers import BaseTuple

from p2p_market.compilation.fingerprint import UnknownValueError, fingerprint
from p2p_market.files import NAME, user_cache

PACKAGE: Final = Path(__file__).resolve().parents[1]
KEPT: Final = 8
"""States of one function that stay on disk, the last used first."""
DAY_S: Final = 86400.0
"""What was used within a day stays in any case."""

Function = Callable[..., Any]


@overload
def kernel(function: Function, /) -> Function: ...
@overload
def kernel(**options: Any) -> Callable[[Function], Function]: ...
def kernel(function: Function | None = None, /, **options: Any) -> Any:
    """Compile a function on its first call, and keep the result on disk.

    It is compiled again where its own code, that of a compiled function it calls, a constant it
    refers to or a version changed. What others call is compiled as by `inner`.

    Args:
        options: of `numba.njit`, except `cache`.
    """
    if function is None:
        return lambda decorated: kernel(inner(**options)(decorated))
    compiled = function if isinstance(function, Dispatcher) else inner(function)
    if (called := getattr(compiled, "called", None)) is not None:
        keep(called)
    return keep(compiled)


def inner(function: Function | None = None, /, **options: Any) -> Any:
    """Compile a function that compiled ones call.

    For these it is compiled without ways in from Python and from C: each holds a copy of what is
    inlined, so three times as much would be optimised. From Python it can be called as any other.

    Args:
        options: of `numba.njit`, except `cache`.
    """
    if function is None:
        return lambda decorated: inner(decorated, **options)
    declare: Any = njit
    compiled = declare(**options, no_cfunc_wrapper=True)(function)
    if isinstance(compiled, Dispatcher):
        inside: Any = compiled
        called = declare(**options, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function)
        inside.called, inside.get_call_template = called, called.get_call_template
        inside.get_overload = called.get_overload
    return compiled


def keep(compiled: Function) -> Function:
    """Let a function that Numba compiles be kept by the rule of `kernel`; others stay as they are.

    With `NUMBA_DISABLE_JIT=1` functions are plain Python, and nothing is kept.
    """
    if isinstance(compiled, Dispatcher) and not isinstance(_cache_of(compiled), _Kept):
        inside: Any = compiled
        inside._cache = _Kept(compiled)
    return compiled


def keeps(compiled: Any) -> TypeGuard[Function]:
    """Whether Numba would keep a function on disk by its own file (`njit(cache=True)`)."""
    return isinstance(compiled, Dispatcher) and isinstance(_cache_of(compiled), FunctionCache)


def _cache_of(compiled: Any) -> Any:
    return compiled._cache


def folder() -> Path | None:
    """Where compiled code is kept; None if no place can be written: each process compiles then.

    `NUMBA_CACHE_DIR`, the package's own `__pycache__`, the user's folder for caches, a folder of
    the user among the temporary files: the first that can be written.
    """
    return next((place for place in _places(config.CACHE_DIR) if _writable(place)), None)


def _places(chosen: str) -> Iterator[Path]:
    if chosen:
        yield Path(os.path.expanduser(chosen)) / NAME
    yield PACKAGE / "__pycache__" / "compiled"
    if (caches := user_cache()) is not None:
        yield caches / "compiled"
    with suppress(OSError):  # not even a folder for temporary files
        yield Path(tempfile.gettempdir()) / f"{NAME}-{os.getuid() if hasattr(os, 'getuid') else 0}"


@lru_cache
def _writable(place: Path) -> bool:
    """Whether files can be made there, by this user alone if it is below a folder of all users."""
    try:
        shared = hasattr(os, "getuid") and place.parent == Path(tempfile.gettempdir())
        place.mkdir(mode=0o700 if shared else 0o777, parents=True, exist_ok=True)
        if shared:
            found = place.lstat()
            if found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return False  # somebody else could put code there
        tempfile.TemporaryFile(dir=place).close()
    except OSError:
        return False
    return True


class _Kept(NullCache):  # type: ignore[misc]
    """The cache of one function; nothing is read before its first call."""

    def __init__(self, function: Dispatcher) -> None:
        """Know the function, and do nothing yet."""
        self._function = function

    @cached_property
    def _store(self) -> FunctionCache | None:
        """Where this state of the function is kept, if it can be."""
        place = folder()
        if place is None:
            return None
        try:
            state, called = fingerprint(self._function)
        except UnknownValueError:
            return None
        for one in filter(keeps, called):  # else what Numba kept of it could be stale
            keep(one)
        return _Store(self._function.py_func, _Locator(place, state))

    @property
    def cache_path(self) -> str | None:
        """The folder."""
        return None if self._store is None else self._store.cache_path

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """What was compiled earlier for these types; None if it has to be compiled."""
        if self._store is None:
            return None
        try:
            return self._store.load_overload(sig, target_context)
        except Exception:  # a damaged file can raise anything
            with suppress(OSError):
                self._store.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep what was compiled, if the disk takes it."""
        if self._store is None:
            return
        with suppress(OSError):
            self._store.save_overload(sig, data)
            _tidy(Path(self._store.cache_path), time.time())


class _Locator(_CacheLocator):  # type: ignore[misc]
    """A folder and a state, in the words of Numba."""

    def __init__(self, place: Path, state: str) -> None:
        """Know both."""
        self._place, self._state = place, state

    def get_cache_path(self) -> str:
        """The folder."""
        return str(self._place)

    def get_source_stamp(self) -> str:
        """The state in full."""
        return self._state

    def get_disambiguator(self) -> str:
        """Part of the file's name."""
        return self._state[:16]


class _Store(FunctionCache):  # type: ignore[misc]
    """Numba's files for one state of one function."""

    def __init__(self, function: Function, locator: _Locator) -> None:
        """Look at no file yet."""

        class Implementation(CompileResultCacheImpl):  # type: ignore[misc]
            _locator_classes = (type("Found", (), {"from_function": lambda *_: locator}),)

        self._impl_class = Implementation
        super().__init__(function)

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        found = super()._load_overload(sig, target_context)
        if found is not None:
            os.utime(self._cache_file._index_path)  # used today
        return found

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        """Numba knows a named tuple by the types of its fields, not by their order and names."""
        return (*super()._index_key(sig, codegen), tuple(_fields(sig)))


def _fields(sig: Any) -> Iterator[tuple[str, ...]]:
    """Names of the fields of all named tuples in a signature."""
    for one in sig:
        yield from _fields(getattr(one, "inside", ()))  # a type of ours that is made of others
        if isinstance(one, BaseTuple):
            yield tuple(getattr(one, "fields", ()))
            yield from _fields(one.types)


def _tidy(place: Path, now_s: float) -> None:
    """Remove states of functions that are neither among the last used nor used within a day."""
    states: dict[str, list[tuple[float, str]]] = {}
    for path in place.glob("*.nbi"):
        name, _, _ = path.name.rpartition("-")
        states.setdefault(name, []).append((path.stat().st_mtime, path.stem))
    for found in states.values():
        for used_s, stem in sorted(found, reverse=True)[KEPT:]:
            if now_s - used_s > DAY_S:
                for path in place.glob(f"{stem}.*"):
                    path.unlink(missing_ok=True)
