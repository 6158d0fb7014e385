"""The event loop's clock, moved by hand: what waits for minutes is due at once."""

from __future__ import annotations

import asyncio


class VirtualTime:
    """Shifts the time of the running event loop, and with it all its timers; a context manager.

    `sleep` stands in for a wait: it notes the seconds in `sleeps` and moves the clock by them.
    """

    def __init__(self) -> None:
        self.sleeps: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._real = self._loop.time
        self._shift = 0.0

    def __enter__(self) -> VirtualTime:
        self._loop.time = self.now  # type: ignore[method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.time = self._real  # type: ignore[method-assign]

    def now(self) -> float:
        """Return the loop's time."""
        return self._real() + self._shift

    def moved(self) -> float:
        """Return the seconds moved by hand: the time of a clock that stands still between."""
        return self._shift

    def advance(self, seconds: float) -> None:
        """Let this much time pass; timers that are due fire in the loop's next turn."""
        self._shift += seconds

    async def sleep(self, seconds: float) -> None:
        """Note the wait and let it pass."""
        self.sleeps.append(seconds)
        self.advance(seconds)
        await asyncio.sleep(0)
