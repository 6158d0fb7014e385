"""A reader that does not ask its warehouse more than is good for either: is a Reader, around one.

In this order: the breaker, a turn among those asked at a time, the pace of questions a second, and one
deadline over all of it. What is past its deadline, or has nobody who waits for it, is cancelled, and the
reader inside cancels what it runs. Each refusal is a WarehouseUnavailable that says why and for how long.
Nothing is kept or asked twice here; what a question may bill is for the reader inside.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.breaker import Breaker, BreakerLimits
from exposure.warehouse.bulkhead import Bulkhead, BulkheadLimits
from exposure.warehouse.call_pace import CallPace
from exposure.warehouse.port import (
    Groups,
    Page,
    Plan,
    Reader,
    RowStream,
    Unavailability,
    WarehouseUnavailable,
)

T = TypeVar("T")


@dataclass(frozen=True)
class ReaderLimits:
    """How much is asked: at a time, a second (and `burst` at once), and for how long.

    BigQuery takes 100 calls of one method a second from one account: https://cloud.google.com/bigquery/quotas.
    """

    deadline: timedelta = timedelta(seconds=8)
    per_second: int = 80
    burst: int = 16
    bulkhead: BulkheadLimits = field(default_factory=BulkheadLimits)
    breaker: BreakerLimits = field(default_factory=BreakerLimits)


class LimitedReader:
    """Asks a reader within limits; `clock` gives seconds that never go back."""

    def __init__(
        self, reader: Reader, limits: ReaderLimits | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        limits = limits or ReaderLimits()
        self._reader = reader
        self._limits = limits
        self._breaker = Breaker(limits.breaker, clock)
        self._bulkhead = Bulkhead(limits.bulkhead)
        self._pace = CallPace(limits.per_second, limits.burst, clock)

    async def select(self, query: Query) -> Page:
        """Return one page; see `Reader`."""
        return await self._answer(lambda: self._reader.select(query))

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups; see `Reader`."""
        return await self._answer(lambda: self._reader.aggregate(aggregation))

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return about how many rows there are; see `Reader`."""
        return await self._answer(lambda: self._reader.estimate(counted))

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run; see `Reader`."""
        return await self._answer(lambda: self._reader.explain(question))

    async def stream(self, query: Query) -> RowStream:
        """Return all rows of the query; see `Reader`.

        How many are read at a time is for the reader inside: long answers take no turn from short ones.
        """
        async with self._admitted():
            await self._pace.take(self._limits.bulkhead.patience)
            return await self._reader.stream(query)

    async def close(self) -> None:
        """Close the reader."""
        await self._reader.close()

    async def _answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with self._admitted(), self._bulkhead.turn():
            await self._pace.take(self._limits.bulkhead.patience)
            return await ask()

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[None]:
        with self._breaker.attempt():
            try:
                async with asyncio.timeout(self._limits.deadline.total_seconds()) as deadline:
                    yield
            except TimeoutError as error:
                if not deadline.expired():
                    raise
                message = "the question took longer than its deadline"
                raise WarehouseUnavailable(message, Unavailability.DEADLINE) from error
            except WarehouseUnavailable as error:
                if error.reason is Unavailability.RATE:
                    self._pace.slow_down()
                raise
