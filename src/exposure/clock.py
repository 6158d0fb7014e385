"""The clocks of the house; whoever needs the time is handed one, so that a test can turn it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


class LoopClock:
    """Seconds of the event loop in which it is first read, and from then on of no other.

    To look up the running loop is a system call in Python 3.11, which is too much for each message.
    """

    def __init__(self) -> None:
        self._time: Callable[[], float] | None = None

    def __call__(self) -> float:
        """Return the seconds; they never go back, and mean nothing by themselves."""
        if self._time is None:
            self._time = asyncio.get_running_loop().time
        return self._time()
