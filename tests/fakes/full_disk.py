"""The local Pub/Sub's disk, full while a test wants it to be."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from exposure.local.pubsub.storage import Change, Storage


class FullDisk(Storage):
    """Refuses commits while `is_full`."""

    is_full = False

    def _write(self, changes: list[Change]) -> None:
        if self.is_full:
            raise sqlite3.OperationalError("disk is full")
        super()._write(changes)


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no disk take a commit until the block ends."""
    FullDisk.is_full = True
    try:
        yield
    finally:
        FullDisk.is_full = False
