"""A clock that stands still until a test turns it."""

from __future__ import annotations

START = 1_800_000_000.0


class TurnedClock:
    """Seconds since the epoch, as a callable like time.time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds
