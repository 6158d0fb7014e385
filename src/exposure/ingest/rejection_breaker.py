"""Whether rejected messages may still be acknowledged: not while too large a share of them is rejected.

Bad data comes in drops; when most of a topic is suddenly "bad", the release that reads it is what is wrong,
and it must not empty the topic into quarantine. Counts and a clock only: it stores and answers nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_LOG = logging.getLogger(__name__)
_SLICES = 30


@dataclass(frozen=True)
class RejectionLimits:
    """When rejections are withheld: more than `least` in the window, and more than `share` of all messages.

    A share of 1 or more withholds nothing, ever: how an operator lets a bad topic drain into quarantine.
    """

    share: float = 0.75
    least: int = 500
    window: timedelta = timedelta(minutes=5)


@dataclass
class _Slice:
    """What was judged in one part of the window."""

    ends_at: float
    sound: int = 0
    rejected: int = 0


class RejectionBreaker:
    """The judgements on one contract's messages within a sliding window; `clock` gives seconds.

    It opens when there are enough rejections and their share is too large, and closes as soon as the share
    is not, or when the window has emptied. A message delivered again is counted again: while it is open,
    only sound messages close it.
    """

    def __init__(self, name: str, limits: RejectionLimits, clock: Callable[[], float]) -> None:
        self._name = name
        self._limits = limits
        self._clock = clock
        self._window_seconds = limits.window.total_seconds()
        self._slices: deque[_Slice] = deque()
        self._sound = self._rejected = 0
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Tell whether rejections are withheld."""
        self._forget(self._clock())
        self._decide()
        return self._is_open

    def sound(self, messages: int = 1) -> None:
        """Count messages that could be rows; fewer than none takes back what turned out otherwise."""
        self._current().sound += messages
        self._sound += messages

    def rejected(self) -> bool:
        """Count a rejected message; return whether it may be acknowledged once it is in quarantine."""
        self._current().rejected += 1
        self._rejected += 1
        self._decide()
        return not self._is_open

    def _current(self) -> _Slice:
        now = self._clock()
        self._forget(now)
        if not self._slices or self._slices[-1].ends_at <= now:
            self._slices.append(_Slice(now + self._window_seconds / _SLICES))
        return self._slices[-1]

    def _forget(self, now: float) -> None:
        begins = now - self._window_seconds
        while self._slices and self._slices[0].ends_at <= begins:
            gone = self._slices.popleft()
            self._sound -= gone.sound
            self._rejected -= gone.rejected

    def _decide(self) -> None:
        messages = self._rejected + max(self._sound, 0)
        is_too_large = self._rejected > self._limits.share * messages
        was_open = self._is_open
        self._is_open = is_too_large and (was_open or self._rejected > self._limits.least)
        if self._is_open and not was_open:
            _LOG.error(
                "%s: %d of %d messages were rejected; the next are left with Pub/Sub until fewer are, or "
                "until the bound is raised",
                self._name, self._rejected, messages,
            )  # fmt: skip
        elif was_open and not self._is_open:
            _LOG.warning("%s: rejected messages go to quarantine again", self._name)
