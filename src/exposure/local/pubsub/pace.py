"""How many pushes a subscription may have outstanding, and how long it pauses after failures.

The window opens by one with every acknowledged push, so it doubles each round, and halves on a failure.
The pause is 100 ms to 60 s, doubled by each further failure, ended by a success. Pushes that were under way
together and fail together count as one failure: they say the same thing once.
https://cloud.google.com/pubsub/docs/push#push_backoff
"""

from __future__ import annotations

FIRST_WINDOW = 8
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 60.0


class Pace:
    """The pace of one push subscription. `now` is in seconds; `round` names a push's company."""

    def __init__(self, largest_window: int) -> None:
        self._largest = largest_window
        self.window = min(FIRST_WINDOW, largest_window)
        self.round = 0
        self._pause = 0.0
        self._resume_at = 0.0

    def room(self, in_flight: int, now: float) -> int:
        """Return how many pushes may start now."""
        return 0 if now < self._resume_at else max(self.window - in_flight, 0)

    def succeeded(self, round_: int) -> None:
        """Note a push that was acknowledged; `round_` is the round it started in."""
        if round_ == self.round:
            self.window = min(self.window + 1, self._largest)
            self._pause = 0.0

    def failed(self, round_: int, now: float, longest_pause: float = LONGEST_PAUSE_SECONDS) -> None:
        """Note a push that was not acknowledged."""
        if round_ != self.round:
            return
        self.round += 1
        self.window = max(self.window // 2, 1)
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_SECONDS), longest_pause)
        self._resume_at = now + self._pause
