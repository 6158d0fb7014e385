"""The view in force while a request is answered, and the two things that may not forget it.

A question is asked with the filters of the view beside its own, a page token opens only under the view it was
sealed under. Both fail when no view is in force: nothing is answered by an oversight.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from typing import TypeVar

from exposure.api.access.policy import View
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.port import Groups, Page, Plan, Reader, RowStream

# Set by the access layer for each request; the only thing that travels beside a question.
IN_FORCE: ContextVar[View] = ContextVar("view in force")
Question = TypeVar("Question", bound=Query | Aggregation)


class GuardedReader:
    """Asks a reader only what the caller may know. Is a Reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def select(self, query: Query) -> Page:
        """Return one page of the rows the caller sees."""
        return await self._reader.select(guarded(query))

    async def stream(self, query: Query) -> RowStream:
        """Return all rows the query means that the caller sees."""
        return await self._reader.stream(guarded(query))

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups of the rows the caller sees."""
        return await self._reader.aggregate(guarded(aggregation))

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return about how many rows the caller sees."""
        return await self._reader.estimate(guarded(counted))

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run for the question; what the view adds to it is counted but not told."""
        narrower = guarded(question)
        plan = await self._reader.explain(narrower)
        if narrower.filters == question.filters:
            return plan
        # The text of the filters would name columns the caller may not know of, and its steps count rows.
        own = await self._reader.explain(question)
        return replace(plan, text=own.text, parameters=own.parameters, steps="")

    async def close(self) -> None:
        """Close the reader."""
        await self._reader.close()


def guarded(question: Question) -> Question:
    """Return the question with the filters of the view in force.

    Raises LookupError when there is none, PermissionError when the question is asked of a contract that is
    not the view's own: both are faults of ours.
    """
    view = IN_FORCE.get()
    if all(contract is not question.contract for contract in view.catalog):
        raise PermissionError(f"{question.contract.name} is asked for beside the caller's view")
    added = view.filters[question.contract.name]
    return replace(question, filters=(*question.filters, *added)) if added else question


def in_force() -> bytes:
    """Return the fingerprint of the view in force."""
    return IN_FORCE.get().fingerprint
