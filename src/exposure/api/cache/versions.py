"""Which version a table is at, known in memory: what an answer is kept under, and what its ETag is made of.

Nothing here asks the warehouse. Where it cannot tell when a table changed, the version is a step of the
clock, the same for every process: all answers of one step are one version, and the next step begins another.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a table. `mark` differs from that of every other version; `at` is when it began to be.

    `at` is in seconds since the epoch: an answer under this version lacks nothing that was readable then.
    """

    mark: str
    at: float


class Versions(Protocol):
    """Knows the version of every table, at once."""

    def current(self, contract: str) -> Version:
        """Return the version the contract's table is at."""


class TimeSteps:
    """Versions that are steps of the clock, each as long as an answer may be kept.

    Each contract's steps begin at another moment, so that not everything is asked anew in one instant.
    """

    def __init__(self, lifetime: timedelta, clock: Callable[[], float] = time.time) -> None:
        self._seconds = lifetime.total_seconds()
        self._clock = clock
        # A contract's step and when the next one begins.
        self._steps: dict[str, tuple[Version, float]] = {}

    def current(self, contract: str) -> Version:
        """Return the step that now is in."""
        now = self._clock()
        known = self._steps.get(contract)
        # Behind its beginning too: a clock may be set back.
        if known is not None and known[0].at <= now < known[1]:
            return known[0]
        phase = _phase(contract) * self._seconds
        step = math.floor((now - phase) / self._seconds)
        begins = step * self._seconds + phase
        version = Version(f"{self._seconds:g}s{step}", begins)
        self._steps[contract] = (version, begins + self._seconds)
        return version


def _phase(contract: str) -> float:
    """Return a number of [0, 1) that is the contract's in every process."""
    return int.from_bytes(hashlib.sha256(contract.encode()).digest()[:4]) / 2**32
