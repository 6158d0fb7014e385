"""When one stream may send and how many requests at once: back-off, window, and memory of a wrong set-up.

Numbers and a clock only: it sends nothing and knows no appends.
"""

from __future__ import annotations

from collections.abc import Callable

from exposure.warehouse.write_limits import WriteLimits
from exposure.warehouse.write_outcome import Verdict, WriteOutcome


class WritePace:
    """The pace of one stream; `dice` gives chance between 0 and 1, `now` seconds.

    `failure` is the last one, None after a success. After a wrong set-up the wait is long and fixed: many
    callers in trouble do not become many calls.
    """

    def __init__(self, limits: WriteLimits, dice: Callable[[], float], now: Callable[[], float]) -> None:
        self.failure: WriteOutcome | None = None
        self._limits = limits
        self._dice = dice
        self._now = now
        self._window = float(limits.in_flight)
        self._failures = 0
        self._resume_at = 0.0

    @property
    def window(self) -> int:
        """Return how many requests may be in flight."""
        return int(self._window)

    @property
    def wait(self) -> float:
        """Return the seconds until something may be sent; 0 when it may now."""
        return max(0.0, self._resume_at - self._now())

    @property
    def is_setup_wrong(self) -> bool:
        """Tell whether the last failure was the set-up's, and it is not yet time to try again."""
        return self.failure is not None and self.failure.verdict is Verdict.MISCONFIGURED and self.wait > 0

    def is_hopeless(self, deadline: float) -> bool:
        """Tell whether what must be stored by then need not be tried."""
        return self.is_setup_wrong or (self.wait > 0 and self._resume_at >= deadline)

    def succeeded(self) -> None:
        """Forget failures and widen the window, by one for each window's worth of successes."""
        self.failure = None
        self._failures = 0
        self._window = min(float(self._limits.in_flight), self._window + 1 / self._window)

    def failed(self, outcome: WriteOutcome) -> None:
        """Send nothing for a while. Failures of one window count as one."""
        if not self.wait:
            self._failures += 1
        self.failure = outcome
        self._resume_at = max(self._resume_at, self._now() + self._seconds(outcome.verdict))
        if outcome.verdict is Verdict.THROTTLED:
            self._window = max(1.0, self._window / 2)

    def _seconds(self, verdict: Verdict) -> float:
        limits = self._limits
        if verdict is Verdict.MISCONFIGURED:
            return limits.probe_every.total_seconds()
        waits = {Verdict.THROTTLED: limits.throttled, Verdict.SCHEMA_BEHIND: limits.schema_behind}
        return waits.get(verdict, limits.lost).seconds(self._failures, self._dice())
