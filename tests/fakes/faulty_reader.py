"""A reader whose warehouse is slow, silent, failing or out of quota, as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.port import Groups, Page, Plan, Reader, RowStream


class FaultyReader:
    """Is a Reader. Each question waits for `wait` first, and fails with `failure` when that is set.

    `asked` counts questions, `under_way` those not ended, `most` the most there were at a time, and
    `cancelled` those given up.
    """

    def __init__(self, reader: Reader | None = None) -> None:
        self._reader: Any = reader
        self.wait: Callable[[], Any] | None = None
        self.failure: Exception | None = None
        self.asked = self.under_way = self.most = self.cancelled = 0

    async def select(self, query: Query) -> Page:
        return await self._answer("select", query)  # type: ignore[no-any-return]

    async def stream(self, query: Query) -> RowStream:
        return await self._answer("stream", query)  # type: ignore[no-any-return]

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        return await self._answer("aggregate", aggregation)  # type: ignore[no-any-return]

    async def estimate(self, counted: Aggregation) -> Groups:
        return await self._answer("estimate", counted)  # type: ignore[no-any-return]

    async def explain(self, question: Query | Aggregation) -> Plan:
        return await self._answer("explain", question)  # type: ignore[no-any-return]

    async def close(self) -> None:
        if self._reader is not None:
            await self._reader.close()

    async def _answer(self, method: str, question: Query | Aggregation) -> Any:
        self.asked += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            if self.wait is not None:
                await self.wait()
            if self.failure is not None:
                raise self.failure
            return None if self._reader is None else await getattr(self._reader, method)(question)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1


async def for_ever() -> None:
    """Wait until cancelled."""
    await asyncio.get_running_loop().create_future()
