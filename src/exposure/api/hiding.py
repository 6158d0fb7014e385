"""A reader without the platform's own canaries, for every way rows are asked for.

An estimate of all rows is the one exception: it is what the table says of itself, free of charge, and counts
what is stored, canaries and rows stored twice among it. Who may see which rows is `api.access`'s concern.
"""

from __future__ import annotations

from exposure.query.aggregate import Aggregation
from exposure.query.canaries import without_canaries
from exposure.query.model import Query
from exposure.warehouse.port import Groups, Page, Plan, Reader, RowStream


class HidingReader:
    """Asks a reader for rows that are no canaries, unless one is named by its key. Is a Reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def select(self, query: Query) -> Page:
        """As the port says."""
        return await self._reader.select(without_canaries(query))

    async def stream(self, query: Query) -> RowStream:
        """As the port says."""
        return await self._reader.stream(without_canaries(query))

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """As the port says."""
        return await self._reader.aggregate(without_canaries(aggregation))

    async def estimate(self, counted: Aggregation) -> Groups:
        """As the port says; of all rows, the number stored."""
        return await self._reader.estimate(without_canaries(counted) if counted.filters else counted)

    async def explain(self, question: Query | Aggregation) -> Plan:
        """As the port says; what is told holds the condition on the key, unless by a replica."""
        return await self._reader.explain(without_canaries(question))

    async def close(self) -> None:
        """As the port says."""
        await self._reader.close()
