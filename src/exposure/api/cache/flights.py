"""One flight for all who ask the same: whoever comes while an answer is made waits for that one.

A flight is nobody's own: it goes on when the one who began it leaves, and ends when the last one does. What
fails, fails for all who wait, and the next to come begins anew. How long somebody waits is their own affair.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    def __init__(self, making: Awaitable[T]) -> None:
        self.task = asyncio.ensure_future(making)
        self.waiting = 0


class Flights(Generic[T]):
    """What is being made, by the digest of its question."""

    def __init__(self) -> None:
        self._flying: dict[bytes, _Flight[T]] = {}
        self._sent: set[bytes] = set()

    @property
    def sent(self) -> int:
        """Return how many flights are under way that nobody need wait for."""
        return len(self._sent)

    def __len__(self) -> int:
        return len(self._flying)

    async def join(self, digest: bytes, make: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Return what is made, and whether it was made for this caller, who was the first to ask.

        Raises what the making raises. Who is cancelled here leaves, and the last to leave cancels the making.
        """
        flight = self._flying.get(digest)
        is_first = flight is None
        if flight is None:
            flight = self._begin(digest, make)
        flight.waiting += 1
        try:
            await asyncio.wait((flight.task,))
            return flight.task.result(), is_first
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                self._end(digest, flight)

    def send(self, digest: bytes, make: Callable[[], Awaitable[T]]) -> None:
        """Begin a flight that nobody need wait for, unless there is one; it is not ended by who leaves it."""
        if digest not in self._flying:
            self._begin(digest, make).waiting += 1
            self._sent.add(digest)

    async def close(self) -> None:
        """Cancel everything."""
        flying = list(self._flying.items())
        for digest, flight in flying:
            self._end(digest, flight)
        await asyncio.gather(*(flight.task for _, flight in flying), return_exceptions=True)

    def _begin(self, digest: bytes, make: Callable[[], Awaitable[T]]) -> _Flight[T]:
        flight = self._flying[digest] = _Flight(make())
        flight.task.add_done_callback(lambda _: self._landed(digest, flight))
        return flight

    def _end(self, digest: bytes, flight: _Flight[T]) -> None:
        # At once, so that nobody joins what is being cancelled.
        self._forget(digest, flight)
        flight.task.cancel()

    def _landed(self, digest: bytes, flight: _Flight[T]) -> None:
        self._forget(digest, flight)
        if not flight.task.cancelled():
            # Who waits is told; a failure nobody waits for is not complained of a second time.
            flight.task.exception()

    def _forget(self, digest: bytes, flight: _Flight[T]) -> None:
        if self._flying.get(digest) is flight:
            del self._flying[digest]
            self._sent.discard(digest)
