"""What becomes of published fields that a contract does not declare. Carried out by `exposure.ingest`."""

from __future__ import annotations

from enum import StrEnum


class UnknownFields(StrEnum):
    """KEEP stores them in the column `_extra`; DROP forgets them; REJECT quarantines the message."""

    KEEP = "keep"
    DROP = "drop"
    REJECT = "reject"
