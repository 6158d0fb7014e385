"""How many questions are asked at a time: so many, and one more waits a moment for its turn or is refused.

It counts and asks nothing. A short wait smooths a burst; a long one would only make everybody late.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from exposure.warehouse.port import Unavailability, WarehouseUnavailable

_RETRY_AFTER = timedelta(seconds=1)


@dataclass(frozen=True)
class BulkheadLimits:
    """`concurrency` questions at a time; `queue` more wait, each for `patience` at most."""

    concurrency: int = 16
    queue: int = 64
    patience: timedelta = timedelta(milliseconds=250)


class Bulkhead:
    """Room for some questions at a time; turns are given in the order they are asked for."""

    def __init__(self, limits: BulkheadLimits) -> None:
        self._limits = limits
        self._turns = asyncio.Semaphore(limits.concurrency)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a turn while the block runs; raises WarehouseUnavailable when none comes in time."""
        await self._take()
        try:
            yield
        finally:
            self._turns.release()

    async def _take(self) -> None:
        if self._turns.locked() and self._waiting >= self._limits.queue:
            raise _refusal("as many questions are asked and wait as may")
        self._waiting += 1
        try:
            async with asyncio.timeout(self._limits.patience.total_seconds()):
                await self._turns.acquire()
        except TimeoutError as error:
            raise _refusal("as many questions are asked at a time as may be") from error
        finally:
            self._waiting -= 1


def _refusal(message: str) -> WarehouseUnavailable:
    return WarehouseUnavailable(message, Unavailability.BUSY, _RETRY_AFTER)
