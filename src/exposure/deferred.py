"""Leaving for later a library that another one would load at once if it found it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Make what this thread imports inside the block find the libraries not installed.

    Afterwards, and in other threads meanwhile, they can be imported. One that is loaded already is found.
    """
    finder = _NotInstalled(names)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _NotInstalled(MetaPathFinder):
    """Is asked first where a module is, and says of some that they are nowhere."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Raise ModuleNotFoundError for what is left for later; leave the rest to the other finders."""
        if threading.get_ident() == self._thread and name in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
