"""How long, how much and how often the BigQuery writer tries: values only, no behaviour of the writer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

_MOST_IN_FLIGHT = 4


@dataclass(frozen=True)
class BackOff:
    """Waits that double from `first` to `longest`; chance shortens each, but for the share `fixed`."""

    first: timedelta
    longest: timedelta
    fixed: float = 0.0

    def seconds(self, failures: int, chance: float) -> float:
        """Return the wait after so many failures in a row; `chance` is between 0 and 1."""
        ceiling = min(self.longest, self.first * 2.0 ** min(failures - 1, 40)).total_seconds()
        return ceiling * (self.fixed + (1 - self.fixed) * chance)


@dataclass(frozen=True)
class WriteLimits:
    """The bounds of one stream, that is of one table.

    `deadline` is how long one append may take, waiting and retries included; `answer_timeout` how long a
    connection may owe an answer before it counts as lost. Rows are spread over requests of `request_bytes`;
    a row larger than that travels alone, one larger than `row_bytes` is refused (BigQuery takes requests
    below 20 MB). `waiting` bounds the appends held at a time, `searches` how often one append is halved
    to find rows that BigQuery refuses without naming them. After `unproven` such appends in a row, of which
    nothing was stored, the set-up counts as wrong. An unused stream is forgotten after `idle`. A set-up found
    wrong is tried again every `probe_every`, by one request.
    """

    deadline: timedelta = timedelta(seconds=8)
    answer_timeout: timedelta = timedelta(seconds=10)
    in_flight: int = 2
    request_bytes: int = 9_000_000
    row_bytes: int = 19_000_000
    waiting: int = 256
    searches: int = 200
    unproven: int = 3
    idle: timedelta = timedelta(minutes=20)
    probe_every: timedelta = timedelta(seconds=30)
    lost: BackOff = BackOff(timedelta(milliseconds=50), timedelta(seconds=5))
    throttled: BackOff = BackOff(timedelta(milliseconds=500), timedelta(seconds=60), fixed=0.5)
    schema_behind: BackOff = BackOff(timedelta(milliseconds=500), timedelta(seconds=10), fixed=0.5)

    def __post_init__(self) -> None:
        """Refuse a window no stream profits from, with ValueError."""
        if not 1 <= self.in_flight <= _MOST_IN_FLIGHT:
            raise ValueError(f"in_flight is {self.in_flight}, it must be 1 to {_MOST_IN_FLIGHT}")


@dataclass(frozen=True)
class Timing:
    """What a test replaces: how the writer waits before it tries again, and its dice (0 to 1).

    Deadlines need no such door: they are timers of the event loop.
    """

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    dice: Callable[[], float] = random.random
