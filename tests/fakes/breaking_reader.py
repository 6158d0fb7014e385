"""A reader whose streams break off after some parts, as a warehouse does that goes away in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from exposure.query.model import Query, Row
from exposure.warehouse.port import Reader, RowStream, WarehouseUnavailable


class BreakingStream:
    """Passes `parts` parts on and then fails; -1 for a stream that never does."""

    def __init__(self, stream: RowStream, parts: int) -> None:
        self._stream = stream
        self._left = parts
        self.parts = 0
        self.closed = 0

    @property
    def as_of(self) -> datetime:
        return self._stream.as_of

    @property
    def bytes_billed(self) -> int:
        return self._stream.bytes_billed

    async def next_rows(self, most: int) -> Sequence[Row]:
        self._count()
        # Small parts, so that there are many places to break at.
        return await self._stream.next_rows(min(most, 7))

    async def next_batch(self) -> Any:
        self._count()
        return await self._stream.next_batch()

    def close(self) -> None:
        self.closed += 1
        self._stream.close()

    def _count(self) -> None:
        if self._left == 0:
            raise WarehouseUnavailable("somebody pulled the plug of projects/secret/tables/hidden")
        self._left -= 1
        self.parts += 1


class BreakingReader:
    """Is a Reader; `parts` is how many parts of each stream arrive, and None what it passes on unharmed."""

    def __init__(self, reader: Reader, parts: int = -1) -> None:
        self._reader = reader
        self.parts = parts
        self.streams: list[BreakingStream] = []

    async def stream(self, query: Query) -> RowStream:
        stream = BreakingStream(await self._reader.stream(query), self.parts)
        self.streams.append(stream)
        return stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)
