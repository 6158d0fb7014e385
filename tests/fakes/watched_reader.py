"""A reader that counts what it is asked, and fails on demand."""

from __future__ import annotations

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.port import Groups, Page, Plan, Reader, RowStream


class WatchedReader:
    """Passes questions on to a reader; `failure`, when set, is raised instead."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.questions: list[Query | Aggregation] = []
        self.failure: Exception | None = None
        self.closed = False

    async def select(self, query: Query) -> Page:
        self.questions.append(query)
        if self.failure is not None:
            raise self.failure
        return await self._reader.select(query)

    async def stream(self, query: Query) -> RowStream:
        self.questions.append(query)
        if self.failure is not None:
            raise self.failure
        return await self._reader.stream(query)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        self._ask(aggregation)
        return await self._reader.aggregate(aggregation)

    async def estimate(self, counted: Aggregation) -> Groups:
        self._ask(counted)
        return await self._reader.estimate(counted)

    async def explain(self, question: Query | Aggregation) -> Plan:
        self._ask(question)
        return await self._reader.explain(question)

    def _ask(self, question: Query | Aggregation) -> None:
        self.questions.append(question)
        if self.failure is not None:
            raise self.failure

    async def close(self) -> None:
        self.closed = True
        await self._reader.close()
