"""A secret of this machine in a file of its own: made at the first start, whole or not at all.

What the bytes mean is its owner's concern, and so is refusing them when they mean nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def load_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """Return the file's bytes; without a file, make them and keep them, for nobody else to read."""
    if not path.exists():
        _write(path, make())
    return path.read_bytes()


def _write(path: Path, content: bytes) -> None:
    # Under its name only once it is whole and on disk: a power cut must not leave half a key behind.
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
