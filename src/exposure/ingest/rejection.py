"""Why a message cannot become a row: a closed set, because people count and replay by it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_DETAIL_CHARACTERS = 1000


class Reason(StrEnum):
    """What is wrong with a message, for ever: delivering it again cannot help."""

    NOT_JSON = "NOT_JSON"
    INVALID_TEXT = "INVALID_TEXT"
    TOO_DEEP = "TOO_DEEP"
    TOO_LARGE = "TOO_LARGE"
    DUPLICATE_FIELD = "DUPLICATE_FIELD"
    MISSING_FIELD = "MISSING_FIELD"
    WRONG_TYPE = "WRONG_TYPE"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    RESERVED_KEY = "RESERVED_KEY"
    REFUSED_BY_WAREHOUSE = "REFUSED_BY_WAREHOUSE"


@dataclass(frozen=True)
class Rejection:
    """One refused message: why, and where in it. The detail never quotes a value of the message."""

    reason: Reason
    detail: str

    def __post_init__(self) -> None:
        """Keep the detail to what a person reads."""
        object.__setattr__(self, "detail", self.detail[:_DETAIL_CHARACTERS])


class Rejected(Exception):
    """Carries a rejection out of the depth of a message; `what` completes a sentence about the field.

    The path is put together on the way out, so that a message without fault pays nothing for it.
    """

    def __init__(self, reason: Reason, what: str) -> None:
        super().__init__(what)
        self._reason = reason
        self._what = what
        self._path = ""

    def under(self, segment: str) -> Rejected:
        """Return the same rejection as its parent sees it; a segment is `.name` or `[index]`."""
        self._path = segment + self._path
        return self

    @property
    def rejection(self) -> Rejection:
        """Return what is kept of it."""
        return Rejection(self._reason, f"`${self._path}` {self._what}" if self._path else self._what)
