"""What happens to one message, free of HTTP: validated, appended or quarantined, and only then answered.

Nothing is acknowledged unless its row, or its quarantine row, is durable. Good data is never quarantined
for the warehouse's own faults: it is left with Pub/Sub, which delivers it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum

from exposure.contracts.model import Contract
from exposure.ingest.batch import Batcher, BatchLimits, Overloaded, RowRefused
from exposure.ingest.message import Message
from exposure.ingest.quarantine import quarantine_row
from exposure.ingest.rejection import Reason, Rejection
from exposure.ingest.validate import MessageValidator
from exposure.warehouse.port import WarehouseError, Writer
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

    @property
    def acknowledges(self) -> bool:
        """Tell whether the message is safe and may be forgotten by Pub/Sub."""
        return self in (Outcome.STORED, Outcome.QUARANTINED)


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


class Pipeline:
    """The road of one contract's messages into the warehouse."""

    def __init__(
        self,
        contract: Contract,
        writer: Writer,
        limits: BatchLimits | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        limits = limits or BatchLimits()
        self._contract = contract
        self._validator = MessageValidator(contract)
        self._rows = Batcher(writer, rows_table(contract), limits)
        self._quarantine = Batcher(writer, quarantine_table(contract), limits)
        self._clock = clock

    async def handle(self, message: Message) -> Outcome:
        """Return once the message is durable, or cannot be made so now."""
        try:
            return await self._store(message)
        except Overloaded:
            return Outcome.OVERLOADED
        except WarehouseError as error:
            _LOG.warning("%s: message %s is left with Pub/Sub: %s", self._contract.name, message.id, error)
            return Outcome.UNAVAILABLE

    async def drain(self) -> None:
        """Finish what has been accepted."""
        await self._rows.drain()
        await self._quarantine.drain()

    async def _store(self, message: Message) -> Outcome:
        ingest_time = self._clock()
        row = self._validator.validate(message, ingest_time)
        if isinstance(row, Rejection):
            return await self._set_aside(message, row, ingest_time)
        try:
            await self._rows.add(row, len(message.data) + _ROW_OVERHEAD_BYTES)
        except RowRefused as refused:
            rejection = Rejection(Reason.REFUSED_BY_WAREHOUSE, refused.reason)
            return await self._set_aside(message, rejection, ingest_time)
        return Outcome.STORED

    async def _set_aside(self, message: Message, rejection: Rejection, ingest_time: datetime) -> Outcome:
        row = quarantine_row(self._contract, message, rejection, ingest_time)
        try:
            await self._quarantine.add(row, len(message.data) + _ROW_OVERHEAD_BYTES)
        except RowRefused as refused:
            _LOG.error(
                "%s: message %s cannot even be quarantined: %s", self._contract.name, message.id, refused
            )
            return Outcome.UNAVAILABLE
        return Outcome.QUARANTINED
