"""Marking a step of what is being done, wherever it is done: `with span("parse")`. No library, no settings.

Where nothing is recorded, which is everywhere unless traces are on and this request was drawn, a mark costs
one look at a context variable. Who records, and where it goes, is in `traces`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import Protocol

Attributes = Mapping[str, str | int | float | bool]


class Step(Protocol):
    """A span that is recorded: further ones begin in it."""

    def child(self, name: str, attributes: Attributes | None = None) -> AbstractContextManager[object]:
        """Return a span within it, as a context; an error that leaves it is noted by its type alone."""


STEP: ContextVar[Step | None] = ContextVar("exposure_step", default=None)
_NOTHING: AbstractContextManager[object] = nullcontext()


def database_call(system: str, operation: str, table: str) -> Attributes:
    """Return what a span says of a call of a database: which system, what, of which table.

    https://opentelemetry.io/docs/specs/semconv/database/database-spans/
    """
    return {"db.system.name": system, "db.operation.name": operation, "db.collection.name": table}


def span(name: str, attributes: Attributes | None = None) -> AbstractContextManager[object]:
    """Return a context that is a span of what is recorded now, if anything is.

    Attributes are never values of rows or of questions: traces are read by more people than rows are.
    """
    step = STEP.get()
    return _NOTHING if step is None else step.child(name, attributes)
