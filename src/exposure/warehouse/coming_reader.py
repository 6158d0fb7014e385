"""A reader that is made on a thread of its own while the service begins to serve: is a Warehouse.

BigQuery's client library takes as long to load as everything else together. Whoever asks before it is there
waits for it; health, documents and answers that are kept need not. It decides nothing about questions.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query, Snapshot
from exposure.warehouse.port import Groups, Page, Plan, RowStream, WarehouseMisconfigured

if TYPE_CHECKING:
    from exposure.warehouse.replica.source import Warehouse

_LOG = logging.getLogger(__name__)
THREAD = "warehouse-reader"


class ComingReader:
    """Makes its reader once it is told to begin; when that fails, every question says so."""

    def __init__(self, make: Callable[[], Warehouse]) -> None:
        self._make = make
        self._made: Future[Warehouse] = Future()
        # Whoever gives up waiting must not end it for the others.
        self._made.set_running_or_notify_cancel()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)

    def begin(self) -> None:
        """Begin to make the reader, once."""
        self._thread.start()

    async def select(self, query: Query) -> Page:
        """Return one page; see `Reader`."""
        return await (await self._reader()).select(query)

    async def stream(self, query: Query) -> RowStream:
        """Return all rows of the query; see `Reader`."""
        return await (await self._reader()).stream(query)

    async def newest(self, contract: Contract) -> Snapshot:
        """Return the newest moment the table can be read at; see `StoredRows`."""
        return await (await self._reader()).newest(contract)

    async def stored(self, query: Query) -> RowStream:
        """Return every stored row; see `StoredRows`."""
        return await (await self._reader()).stored(query)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups; see `Reader`."""
        return await (await self._reader()).aggregate(aggregation)

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return about how many rows there are; see `Reader`."""
        return await (await self._reader()).estimate(counted)

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run; see `Reader`."""
        return await (await self._reader()).explain(question)

    async def close(self) -> None:
        """Close the reader, if it was made; one that is still being made is waited for by nobody."""
        if self._made.done() and self._made.exception() is None:
            await self._made.result().close()

    async def _reader(self) -> Warehouse:
        try:
            return await asyncio.wrap_future(self._made)
        except Exception as error:
            raise WarehouseMisconfigured(f"the warehouse's client cannot be made: {error}") from error

    def _run(self) -> None:
        try:
            self._made.set_result(self._make())
        except Exception as error:  # whatever it is, those who wait must hear of it
            _LOG.exception("the warehouse's client cannot be made")
            self._made.set_exception(error)
