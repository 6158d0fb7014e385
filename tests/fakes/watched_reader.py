"""A reader that counts what it is asked, and fails on demand."""

from __future__ import annotations

from exposure.query.model import Query
from exposure.warehouse.port import Page, Reader


class WatchedReader:
    """Passes questions on to a reader; `failure`, when set, is raised instead."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.questions: list[Query] = []
        self.failure: Exception | None = None
        self.closed = False

    async def select(self, query: Query) -> Page:
        self.questions.append(query)
        if self.failure is not None:
            raise self.failure
        return await self._reader.select(query)

    async def close(self) -> None:
        self.closed = True
        await self._reader.close()
