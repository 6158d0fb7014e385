"""How many questions are asked a second: a token bucket that learns from being refused.

The warehouse's own limit is one for all processes together, which know nothing of one another. So each keeps
to a ceiling that is fine for it alone, halves its pace when it is told it was too fast, and is back within a
minute: as a stream of appends does with its window. Numbers and a clock only: it asks nothing.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta

from exposure.warehouse.port import Unavailability, WarehouseUnavailable

_SECONDS_TO_RECOVER = 60.0
_LEAST_PER_SECOND = 1.0
# What is refused within them was asked too fast once.
_SECONDS_OF_ONE_REFUSAL = 1.0


class CallPace:
    """At most `per_second` on average and `burst` at once; `clock` gives seconds that never go back."""

    def __init__(self, per_second: int, burst: int, clock: Callable[[], float]) -> None:
        self._ceiling = float(per_second)
        self._burst = float(burst)
        self._clock = clock
        self._rate = self._ceiling
        self._tokens = self._burst
        self._filled_at = clock()
        self._slowed_at = -math.inf

    @property
    def per_second(self) -> float:
        """Return the pace there is now."""
        self._fill()
        return self._rate

    def slow_down(self) -> None:
        """Halve the pace and spend what was saved: the warehouse says it was too fast."""
        self._fill()
        if self._filled_at < self._slowed_at + _SECONDS_OF_ONE_REFUSAL:
            return
        self._slowed_at = self._filled_at
        self._rate = max(_LEAST_PER_SECOND, self._rate / 2)
        self._tokens = min(self._tokens, 0.0)

    async def take(self, patience: timedelta) -> None:
        """Return when a question may be asked; raises WarehouseUnavailable when that is too far off."""
        self._fill()
        wait = max(0.0, (1 - self._tokens) / self._rate)
        if wait > patience.total_seconds():
            message = "as many questions are asked a second as may be"
            raise WarehouseUnavailable(message, Unavailability.BUSY, timedelta(seconds=wait))
        self._tokens -= 1
        if wait:
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                # It was never asked.
                self._tokens += 1
                raise

    def _fill(self) -> None:
        now = self._clock()
        seconds, self._filled_at = now - self._filled_at, now
        self._tokens = min(self._burst, self._tokens + seconds * self._rate)
        self._rate = min(self._ceiling, self._rate + seconds * self._ceiling / _SECONDS_TO_RECOVER)
