"""What happens to one message, free of HTTP: validated, appended or quarantined, and only then answered.

Nothing is acknowledged unless its row, or its quarantine row, is durable. Good data is never quarantined
for the warehouse's own faults: it is left with Pub/Sub, which delivers it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from enum import Enum

from exposure.clock import now
from exposure.contracts.model import Contract
from exposure.ingest.batch import Batcher, BatchLimits, Overloaded, RowRefused
from exposure.ingest.message import Message
from exposure.ingest.quarantine import quarantine_row
from exposure.ingest.rejection import Reason, Rejection
from exposure.ingest.validate import MessageValidator
from exposure.warehouse.port import WarehouseError, WarehouseMisconfigured, WarehouseUnavailable, Writer
from exposure.warehouse.schema import quarantine_table, rows_table

_LOG = logging.getLogger(__name__)
# What a held row costs beside its payload: the tuple, its metadata and its future.
_ROW_OVERHEAD_BYTES = 600


class Outcome(Enum):
    """What became of a message. The first two acknowledge it; after the others Pub/Sub delivers again."""

    STORED = "stored"
    QUARANTINED = "quarantined"
    OVERLOADED = "overloaded"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"

    @property
    def acknowledges(self) -> bool:
        """Tell whether the message is safe and may be forgotten by Pub/Sub."""
        return self in (Outcome.STORED, Outcome.QUARANTINED)


class Pipeline:
    """The road of one contract's messages into the warehouse."""

    def __init__(
        self,
        contract: Contract,
        writer: Writer,
        limits: BatchLimits | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._limits = limits or BatchLimits()
        self._contract = contract
        self._validator = MessageValidator(contract)
        self._rows = Batcher(writer, rows_table(contract), self._limits)
        self._quarantine = Batcher(writer, quarantine_table(contract), self._limits)
        self._clock = clock
        self._failure: WarehouseError | None = None

    async def handle(self, message: Message) -> Outcome:
        """Return once the message is durable, or cannot be made so now; raises nothing."""
        try:
            return await self._store(message)
        except Overloaded:
            return Outcome.OVERLOADED
        except WarehouseError as error:
            self._log_once(message, error)
            return Outcome.UNAVAILABLE
        except Exception:
            _LOG.exception("%s: message %s: an error of ours", self._contract.name, message.id)
            return Outcome.FAILED

    async def drain(self) -> None:
        """Finish what has been accepted."""
        await self._rows.drain()
        await self._quarantine.drain()

    async def _store(self, message: Message) -> Outcome:
        ingest_time = self._clock()
        row = self._validator.validate(message, ingest_time)
        if isinstance(row, Rejection):
            return await self._set_aside(message, row, ingest_time)
        started = asyncio.get_running_loop().time()
        try:
            await self._rows.add(row, len(message.data) + _ROW_OVERHEAD_BYTES)
        except RowRefused as refused:
            rejection = Rejection(Reason.REFUSED_BY_WAREHOUSE, refused.reason)
            return await self._set_aside_until(
                started + self._limits.deadline.total_seconds(), message, rejection, ingest_time
            )
        return Outcome.STORED

    async def _set_aside_until(
        self, deadline: float, message: Message, rejection: Rejection, ingest_time: datetime
    ) -> Outcome:
        """Quarantine within what the first append has left of the request's time."""
        try:
            async with asyncio.timeout_at(deadline):
                return await self._set_aside(message, rejection, ingest_time)
        except TimeoutError as error:
            raise WarehouseUnavailable("the message was not quarantined within its deadline") from error

    async def _set_aside(self, message: Message, rejection: Rejection, ingest_time: datetime) -> Outcome:
        row = quarantine_row(self._contract, message, rejection, ingest_time)
        try:
            await self._quarantine.add(row, len(message.data) + _ROW_OVERHEAD_BYTES)
        except RowRefused as refused:
            # Its words may quote the row, and what is raised here is logged.
            raise WarehouseMisconfigured("the quarantine table refused the message") from refused
        return Outcome.QUARANTINED

    def _log_once(self, message: Message, error: WarehouseError) -> None:
        """Log an append's failure for the first of its messages: all of them wait for the same one."""
        if error is not self._failure:
            self._failure = error
            _LOG.warning("%s: message %s is left with Pub/Sub: %s", self._contract.name, message.id, error)
