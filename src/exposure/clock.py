"""The one clock of the house; whoever needs the time is handed it, so that a test can turn it."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)
