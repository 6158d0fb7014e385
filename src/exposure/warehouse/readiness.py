"""Whether a warehouse can be used, asked of it seldom, however often and by whomever it is asked here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from exposure.warehouse.port import WarehouseError


class Readiness:
    """Remembers for a while what `ready` said, which has `patience` to say it. Lives on one event loop."""

    def __init__(
        self,
        ready: Callable[[], Awaitable[None]],
        patience: timedelta = timedelta(seconds=2),
        remembered: timedelta = timedelta(seconds=1),
    ) -> None:
        self._ready = ready
        self._patience = patience.total_seconds()
        self._remembered = remembered.total_seconds()
        self._lock = asyncio.Lock()
        self._asked_again_at = 0.0
        self._complaint: str | None = None

    async def complaint(self) -> str | None:
        """Return why the warehouse cannot be used; None when it can."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now >= self._asked_again_at:
                self._complaint = await self._ask()
                self._asked_again_at = now + self._remembered
            return self._complaint

    async def _ask(self) -> str | None:
        try:
            await asyncio.wait_for(self._ready(), self._patience)
        except TimeoutError:
            return "the warehouse did not answer in time"
        except WarehouseError as error:
            return str(error)
        return None
