"""How long the parts of a stream may take. Knows no clock but `time.monotonic`, and stops nothing itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from exposure.warehouse.port import Unavailability, WarehouseUnavailable


@dataclass(frozen=True)
class StreamPace:
    """Each part may take `deadline`; the last one must have been read at `until` (`time.monotonic`)."""

    deadline: timedelta
    until: float

    @classmethod
    def beginning_now(cls, deadline: timedelta, whole: timedelta) -> StreamPace:
        """Return the pace of a stream that begins now and may take `whole` altogether."""
        return cls(deadline, time.monotonic() + whole.total_seconds())

    def for_next_part(self) -> timedelta:
        """Return how long the next part may take; raises WarehouseUnavailable when the time is up."""
        left = self.until - time.monotonic()
        if left <= 0:
            message = "the answer took longer to read than its deadline"
            raise WarehouseUnavailable(message, Unavailability.DEADLINE)
        return min(timedelta(seconds=left), self.deadline)
