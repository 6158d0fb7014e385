"""Whether a warehouse that fails is asked at all: after some failures it is left alone for a while.

Then one question at a time tries it, until one is answered. A quota that is used up closes the way at once,
for as long as the warehouse says. What is refused costs nobody any time, so whoever has an older answer can
give that. It counts and asks nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from exposure.warehouse.port import Unavailability, WarehouseError, WarehouseUnavailable

_LOG = logging.getLogger(__name__)
_LEAST_RETRY_AFTER = timedelta(seconds=1)


@dataclass(frozen=True)
class BreakerLimits:
    """`failures` in a row open it for `pause`; each trial that fails doubles that, to `longest_pause`."""

    failures: int = 5
    pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(seconds=60)


class Breaker:
    """The state of one warehouse as its questions find it; `clock` gives seconds that never go back."""

    def __init__(self, limits: BreakerLimits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._failures = 0
        self._pause = limits.pause
        self._reason: Unavailability | None = None
        self._try_at = 0.0
        self._is_trying = False
        # Of questions asked before it opened or closed nothing is learned any more.
        self._era = 0

    @property
    def is_open(self) -> bool:
        """Tell whether questions are refused, but for one that tries."""
        return self._reason is not None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Run the block as one question and learn from how it ends; raises WarehouseUnavailable when open."""
        is_trial = self._admit()
        era = self._era
        try:
            yield
        except WarehouseUnavailable as error:
            self._learn(era, error)
            raise
        except WarehouseError:
            # It has answered, if only that the question or the set-up is wrong.
            self._answered(era)
            raise
        else:
            self._answered(era)
        finally:
            if is_trial and era == self._era:
                self._is_trying = False

    def _admit(self) -> bool:
        """Return whether the question is the one that tries."""
        if self._reason is None:
            return False
        left = timedelta(seconds=self._try_at - self._clock())
        if left > timedelta(0) or self._is_trying:
            message = f"the warehouse is left alone: {self._reason}"
            raise WarehouseUnavailable(message, self._reason, max(left, _LEAST_RETRY_AFTER))
        self._is_trying = True
        return True

    def _answered(self, era: int) -> None:
        if era != self._era:
            return
        self._failures = 0
        if self._reason is not None:
            _LOG.warning("the warehouse answers again")
            self._reason, self._pause = None, self._limits.pause
            self._begin_era()

    def _learn(self, era: int, error: WarehouseUnavailable) -> None:
        # That we ask too much at a time says nothing of the warehouse.
        if era != self._era or error.reason is Unavailability.BUSY:
            return
        self._failures += 1
        if error.reason in (Unavailability.RATE, Unavailability.QUOTA):
            self._open(error, error.reason, error.retry_after or self._pause)
        elif self._reason is not None or self._failures >= self._limits.failures:
            self._open(error, Unavailability.FAULT, self._pause)
            self._pause = min(self._pause * 2, self._limits.longest_pause)

    def _open(self, error: WarehouseUnavailable, reason: Unavailability, pause: timedelta) -> None:
        _LOG.warning("the warehouse is left alone for %.0f s: %s", pause.total_seconds(), error)
        self._reason = reason
        self._try_at = self._clock() + pause.total_seconds()
        self._begin_era()

    def _begin_era(self) -> None:
        self._era += 1
        self._failures = 0
        self._is_trying = False
