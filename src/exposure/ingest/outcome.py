"""What becomes of a delivered message, as a closed set: whoever delivered it acts on nothing else."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """What became of a message. The first three acknowledge it; after the others Pub/Sub delivers again.

    DUPLICATE is a message that another delivery has made durable, as a row or in quarantine.
    WITHHELD is a rejection that is not quarantined, because too many are: see `rejection_breaker`.
    """

    STORED = "stored"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    WITHHELD = "withheld"
    FAILED = "failed"

    @property
    def acknowledges(self) -> bool:
        """Tell whether the message is safe and may be forgotten by Pub/Sub."""
        return self in (Outcome.STORED, Outcome.QUARANTINED, Outcome.DUPLICATE)
