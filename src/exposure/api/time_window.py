"""The window a question is given that bounds the event time by nothing, and how its answer names it.

The header is the parameter that would have said the same: `X-Window: placed_at.gte=2026-08-25T00:00:00Z`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from exposure.api.encode import instant
from exposure.query.time_bound import Question, Window, window_of, within

HEADER, MEMBER = "X-Window", "window"


@dataclass(frozen=True)
class Meant(Generic[Question]):
    """The question as it is asked of the reader, and the window it was given, if any."""

    question: Question
    window: Window | None

    @property
    def written(self) -> dict[str, object]:
        """Return what stands beside the rows."""
        if self.window is None:
            return {}
        return {MEMBER: {"parameter": self.window.parameter, "value": self.window.since}}

    @property
    def headers(self) -> dict[str, str]:
        """Return the header fields of the answer."""
        if self.window is None:
            return {}
        return {HEADER: f"{self.window.parameter}={instant(self.window.since)}"}


def meant(question: Question, moment: datetime) -> Meant[Question]:
    """Return what a question means that is asked at that moment."""
    window = window_of(question.contract, question.filters, moment)
    return Meant(within(question, window), window)
