"""How an answer came about, and what it says of that: Cache-Status (RFC 9211), tier, age and cost."""

from __future__ import annotations

from enum import Enum

from exposure.api.cache.entry import Fields
from exposure.api.tiers import CACHE, STALE

# What is this answer's own and not the kept one's.
OF_THE_MAKING = frozenset({b"x-bytes-billed", b"x-tier", b"cache-control", b"server-timing"})
STATUS = b"exposure; "


class State(Enum):
    """Where an answer came from; the values are as Cache-Status writes them."""

    HIT = b"hit"
    SHARED = b"hit; detail=shared"
    STALE = b"hit; detail=stale-while-revalidate"
    STOOD_IN = b"hit; detail=stale-if-error"
    UNCHANGED = b"hit; detail=unchanged"
    MADE = b"fwd=miss"
    STORED = b"fwd=miss; stored"
    COLLAPSED = b"fwd=miss; collapsed"

    @property
    def tier(self) -> str | None:
        """Return the tier it came from; None where that is what it was made by."""
        if self in (State.STALE, State.STOOD_IN):
            return STALE
        return None if self in (State.MADE, State.STORED, State.COLLAPSED) else CACHE


def status_fields(state: State, made_by: str, bytes_billed: int, waited_ms: float) -> Fields:
    """Return what an answer says of where it came from; only who waited for a making says how long."""
    shown = (state.tier or made_by).encode()
    return (
        (b"cache-status", STATUS + state.value),
        (b"server-timing", shown if state.tier else b"%b;dur=%.3f" % (shown, waited_ms)),
        (b"x-tier", shown),
        (b"x-bytes-billed", b"%d" % bytes_billed),
    )
