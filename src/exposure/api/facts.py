"""What an answer says of itself: whether it is whole, as of when, from where, how fast and at what cost."""

from __future__ import annotations

import time
from datetime import datetime

from exposure.api.encode import instant
from exposure.warehouse.port import WAREHOUSE


def fact_headers(
    *, complete: bool, as_of: datetime, bytes_billed: int, tier: str = WAREHOUSE
) -> dict[str, str]:
    """Return the headers of an answer that was made of rows of that tier."""
    return {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Complete": "true" if complete else "false",
        "X-As-Of": instant(as_of),
        "X-Bytes-Billed": str(bytes_billed),
        "X-Tier": tier,
    }


def written_facts(
    as_of: datetime, elapsed_ms: float, bytes_billed: int, tier: str = WAREHOUSE
) -> dict[str, object]:
    """Return what stands beside the rows in a format that has room for it: how the answer was made.

    An answer that is kept is given as it was made; what giving it cost, and from where, its headers say.
    """
    stats = {"tier": tier, "elapsed_ms": elapsed_ms, "bytes_billed": bytes_billed}
    return {"as_of": as_of, "stats": stats}


def ms_since(started: float) -> float:
    """Return the milliseconds since a `time.perf_counter()`."""
    return round((time.perf_counter() - started) * 1000, 3)
