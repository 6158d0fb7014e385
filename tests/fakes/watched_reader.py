"""A reader that counts what it is asked, and waits or fails on demand."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.port import Groups, Page, Plan, Reader, RowStream


class WatchedReader:
    """Passes questions on to a reader; `failure`, when set, is raised instead, and `gate` awaited before.

    `bills`, when set, is what a page is said to cost.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.questions: list[Query | Aggregation] = []
        self.failure: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.cancelled = 0
        self.bills = 0
        self.closed = False

    async def select(self, query: Query) -> Page:
        await self._wait(query)
        page = await self._reader.select(query)
        return replace(page, bytes_billed=self.bills) if self.bills else page

    async def stream(self, query: Query) -> RowStream:
        self.questions.append(query)
        if self.failure is not None:
            raise self.failure
        return await self._reader.stream(query)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        await self._wait(aggregation)
        return await self._reader.aggregate(aggregation)

    async def estimate(self, counted: Aggregation) -> Groups:
        self._ask(counted)
        return await self._reader.estimate(counted)

    async def explain(self, question: Query | Aggregation) -> Plan:
        self._ask(question)
        return await self._reader.explain(question)

    async def _wait(self, question: Query | Aggregation) -> None:
        self.questions.append(question)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure

    def _ask(self, question: Query | Aggregation) -> None:
        self.questions.append(question)
        if self.failure is not None:
            raise self.failure

    async def close(self) -> None:
        self.closed = True
        await self._reader.close()
