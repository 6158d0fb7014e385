"""A reader whose questions are spans: which table, and what the answer cost, never what was asked for.

It ends the traces with the reader, so that the last spans are sent when the process stops.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.telemetry.spans import Attributes, database_call, span
from exposure.warehouse.port import Groups, Page, Plan, Reader, RowStream


class TracedReader:
    """A Reader around a Reader. `system` is the warehouse's name; `end` is called after the reader's end."""

    def __init__(self, reader: Reader, system: str, end: Callable[[], Awaitable[None]]) -> None:
        self._reader = reader
        self._system = system
        self._end = end

    async def select(self, query: Query) -> Page:
        """As the port says."""
        with span(*self._described("SELECT", query.contract)):
            return await self._reader.select(query)

    async def stream(self, query: Query) -> RowStream:
        """As the port says; the span ends when the first rows can be read."""
        with span(*self._described("SELECT", query.contract)):
            return await self._reader.stream(query)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """As the port says."""
        with span(*self._described("SELECT", aggregation.contract)):
            return await self._reader.aggregate(aggregation)

    async def estimate(self, counted: Aggregation) -> Groups:
        """As the port says."""
        with span(*self._described("SELECT", counted.contract)):
            return await self._reader.estimate(counted)

    async def explain(self, question: Query | Aggregation) -> Plan:
        """As the port says."""
        with span(*self._described("EXPLAIN", question.contract)):
            return await self._reader.explain(question)

    async def close(self) -> None:
        """As the port says, and end the traces."""
        try:
            await self._reader.close()
        finally:
            await self._end()

    def _described(self, operation: str, contract: Contract) -> tuple[str, Attributes]:
        table = f"{contract.dataset}.{contract.name}"
        return f"query {contract.name}", database_call(self._system, operation, table)
