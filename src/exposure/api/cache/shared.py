"""The port to answers that instances share. Whatever is wrong with what is shared, it is only not there."""

from __future__ import annotations

from typing import Protocol

from exposure.api.cache.entry import Entry


class Shared(Protocol):
    """Keeps entries for every instance; never raises, never takes long."""

    async def get(self, digest: bytes) -> Entry | None:
        """Return what is kept for the question, of whatever version, None when that cannot be told."""

    async def put(self, digest: bytes, entry: Entry, seconds: float) -> None:
        """Keep the entry for so long, if that can be done."""

    async def close(self) -> None:
        """Release what is held."""


class NothingShared:
    """What an instance has that shares nothing. Is a Shared."""

    async def get(self, digest: bytes) -> Entry | None:
        """Return nothing."""
        return None

    async def put(self, digest: bytes, entry: Entry, seconds: float) -> None:
        """Keep nothing."""

    async def close(self) -> None:
        """Hold nothing."""
