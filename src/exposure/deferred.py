"""Leaving for later a library that another one would load at once if it found it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deferred(name: str) -> Iterator[None]:
    """Make what is imported inside the block find the library not installed; afterwards it can be imported.

    Nothing happens where it is loaded already.
    """
    if name in sys.modules:
        yield
        return
    # What the import system takes for "known not to exist".
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
