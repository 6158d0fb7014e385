"""What happens to one message, free of HTTP: validated, appended or quarantined, and only then answered.

Nothing is acknowledged unless its row, or its quarantine row, is durable. Good data is never quarantined
for the warehouse's own faults: it is left with Pub/Sub, which delivers it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from exposure.clock import LoopClock, now
from exposure.contracts.model import Contract
from exposure.ingest.account import Account
from exposure.ingest.batch import Batcher, BatchLimits, Overloaded, Room, RowRefused, Told
from exposure.ingest.dedupe import RecentLimits, RecentMessages
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome
from exposure.ingest.quarantine import quarantine_row
from exposure.ingest.rejection import Reason, Rejection
from exposure.ingest.rejection_breaker import RejectionBreaker, RejectionLimits
from exposure.ingest.turn import Turn
from exposure.ingest.validate import MessageValidator
from exposure.query.model import Row
from exposure.telemetry.lines import Lines
from exposure.warehouse.port import WarehouseError, WarehouseMisconfigured, WarehouseUnavailable, Writer
from exposure.warehouse.schema import quarantine_table, rows_table

_LOG = logging.getLogger(__name__)
# What a held row costs beside its payload: the tuple, its metadata and its future.
_ROW_OVERHEAD_BYTES = 600
# Text takes a byte a character in memory, or up to four once a character is no ASCII.
_WIDEST_CHARACTER_BYTES = 4
# A message as large as this may take seconds to look through, so it does not hold up the others.
_LARGE_BYTES = 256_000
# A message as small as this goes with all that arrive with it. Others go by themselves: together they might
# ask for more room than there ever is.
_SMALL_BYTES = 16_000


@dataclass(frozen=True)
class Shared:
    """What the pipelines of one process have in common; without a `room` each has one of its own."""

    room: Room | None = None
    lines: Lines = field(default_factory=Lines)


@dataclass(frozen=True)
class Guards:
    """What a pipeline does not do, however often it is asked."""

    rejections: RejectionLimits = field(default_factory=RejectionLimits)
    recent: RecentLimits = field(default_factory=RecentLimits)


class Pipeline:
    """The road of one contract's messages into the warehouse."""

    def __init__(
        self,
        contract: Contract,
        writer: Writer,
        limits: BatchLimits | None = None,
        clock: Callable[[], datetime] = now,
        shared: Shared | None = None,
        guards: Guards | None = None,
    ) -> None:
        self._limits = limits or BatchLimits()
        shared, guards = shared or Shared(), guards or Guards()
        room = shared.room or Room(self._limits.held_rows, self._limits.held_bytes)
        self._contract = contract
        self._validator = MessageValidator(contract)
        self._account = account = Account(contract, shared.lines, clock)
        told = Told(account.appended, account.append_failed)
        self._rows = Batcher(writer, rows_table(contract), self._limits, room, told)
        # Messages set aside are told one by one; of their appends only those that fail.
        told = Told(failed=account.append_failed)
        self._quarantine = Batcher(writer, quarantine_table(contract), self._limits, room, told)
        self._clock, self._loop_time = clock, LoopClock()
        self._recent = RecentMessages(guards.recent, self._loop_time, room)
        self._breaker = RejectionBreaker(contract.name, guards.rejections, self._loop_time)
        self._turn = Turn(self.handle_all)
        self._looking = asyncio.Lock()
        self._failure: WarehouseError | None = None

    async def handle(self, message: Message) -> Outcome:
        """Return once the message is durable, or cannot be made so now; raises nothing."""
        if len(message.data) > _SMALL_BYTES:
            return (await self.handle_all((message,)))[0]
        return await self._turn.settle(message)

    def handle_all(self, messages: Sequence[Message]) -> Coroutine[Any, Any, list[Outcome]]:
        """Return the outcome of each message once all are known; raises nothing."""
        return self._recent.settle_all(messages, self._settle_all)

    async def drain(self) -> None:
        """Finish what has been accepted."""
        await self._turn.drain()
        await self._rows.drain()
        await self._quarantine.drain()

    async def _settle(self, message: Message) -> Outcome:
        try:
            ingest_time, started = self._clock(), self._loop_time()
            if len(message.data) > _LARGE_BYTES:
                row = await self._validate_beside(message, ingest_time)
            else:
                row = self._validator.validate(message, ingest_time)
            if isinstance(row, Rejection):
                return await self._set_aside(message, row, ingest_time)
            self._breaker.sound()
            try:
                await self._rows.add(row, _held_bytes(message.data))
            except RowRefused as refused:
                self._breaker.sound(-1)
                return await self._set_refused_aside(message, refused.reason, started, ingest_time)
        except Exception as error:
            return self._outcome_of(error, message)
        return Outcome.STORED

    async def _settle_all(self, messages: Sequence[Message]) -> list[Outcome]:
        ingest_time = self._clock()
        outcomes = [Outcome.FAILED] * len(messages)
        rows: dict[int, Row] = {}
        alone: dict[int, Coroutine[None, None, Outcome]] = {}
        for index, (message, row) in enumerate(
            zip(messages, self._validated(messages, ingest_time), strict=True)
        ):
            if row is None:
                alone[index] = self._settle(message)
            elif isinstance(row, Rejection):
                alone[index] = self._settle_rejected(message, row, ingest_time)
            else:
                rows[index] = row
        storing = self._store_together(messages, rows, outcomes, ingest_time)
        if not alone:
            await storing
            return outcomes
        _, settled = await asyncio.gather(storing, asyncio.gather(*alone.values()))
        for index, outcome in zip(alone, settled, strict=True):
            outcomes[index] = outcome
        return outcomes

    def _outcome_of(self, error: Exception, message: Message) -> Outcome:
        if isinstance(error, Overloaded):
            return Outcome.OVERLOADED
        if isinstance(error, WarehouseError):
            self._log_once(message, error)
            return Outcome.UNAVAILABLE
        _LOG.error("%s: message %s: an error of ours", self._contract.name, message.id, exc_info=error)
        return Outcome.FAILED

    def _validated(
        self, messages: Sequence[Message], ingest_time: datetime
    ) -> Sequence[Row | Rejection | None]:
        """Return what each message is; None of any that must be looked at by itself."""
        try:
            if max([len(message.data) for message in messages], default=0) <= _LARGE_BYTES:
                return self._validator.validate_all(messages, ingest_time)
            return [
                None if len(message.data) > _LARGE_BYTES else self._validator.validate(message, ingest_time)
                for message in messages
            ]
        except Exception:
            # An error of ours: each then meets its own, and is told of by itself.
            return [None] * len(messages)

    async def _settle_rejected(
        self, message: Message, rejection: Rejection, ingest_time: datetime
    ) -> Outcome:
        try:
            return await self._set_aside(message, rejection, ingest_time)
        except Exception as error:
            return self._outcome_of(error, message)

    async def _store_together(
        self,
        messages: Sequence[Message],
        rows: Mapping[int, Row],
        outcomes: list[Outcome],
        ingest_time: datetime,
    ) -> None:
        """Append the rows, by their messages' indices, and set down what became of each."""
        indices, started = list(rows), self._loop_time()
        size_bytes = sum(_held_bytes(messages[index].data) for index in indices)
        try:
            refused = await self._rows.add_all(list(rows.values()), size_bytes)
        except Exception as error:
            self._breaker.sound(len(rows))
            outcome = self._outcome_of(error, messages[indices[0]])
            for index in indices:
                outcomes[index] = outcome
            return
        self._breaker.sound(len(rows) - len(refused))
        for index in indices:
            outcomes[index] = Outcome.STORED
        if not refused:
            return
        # Not appended again: alone, a refused row could no longer be told from a table that takes nothing.
        refusing = (
            self._set_refused_aside(messages[indices[row]], why, started, ingest_time)
            for row, why in refused.items()
        )
        for row, outcome in zip(refused, await asyncio.gather(*refusing), strict=True):
            outcomes[indices[row]] = outcome

    async def _validate_beside(self, message: Message, ingest_time: datetime) -> Row | Rejection:
        """Validate a large message beside the event loop, one at a time."""
        try:
            async with asyncio.timeout(self._limits.deadline.total_seconds() / 2):
                await self._looking.acquire()
        except TimeoutError as error:
            raise Overloaded("other large messages are being looked through") from error
        looking = asyncio.ensure_future(asyncio.to_thread(self._validator.validate, message, ingest_time))
        looking.add_done_callback(lambda _: self._looking.release())
        return await asyncio.shield(looking)

    async def _set_refused_aside(
        self, message: Message, reason: str, started: float, ingest_time: datetime
    ) -> Outcome:
        """Quarantine a row that was refused, in what its append has left of the time; raises nothing."""
        rejection = Rejection(Reason.REFUSED_BY_WAREHOUSE, reason)
        try:
            async with asyncio.timeout_at(started + self._limits.deadline.total_seconds()):
                return await self._settle_rejected(message, rejection, ingest_time)
        except TimeoutError:
            error = WarehouseUnavailable("the message was not quarantined within its deadline")
            return self._outcome_of(error, message)

    async def _set_aside(self, message: Message, rejection: Rejection, ingest_time: datetime) -> Outcome:
        if not self._breaker.rejected():
            return Outcome.WITHHELD
        row = quarantine_row(self._contract, message, rejection, ingest_time)
        try:
            await self._quarantine.add(row, len(message.data) + _ROW_OVERHEAD_BYTES)
        except RowRefused as refused:
            # Its words may quote the row, and what is raised here is logged.
            raise WarehouseMisconfigured("the quarantine table refused the message") from refused
        self._account.quarantined(rejection.reason)
        return Outcome.QUARANTINED

    def _log_once(self, message: Message, error: WarehouseError) -> None:
        """Log an append's failure for the first of its messages: all of them wait for the same one."""
        if error is not self._failure:
            self._failure = error
            _LOG.warning("%s: message %s is left with Pub/Sub: %s", self._contract.name, message.id, error)


def _held_bytes(data: bytes) -> int:
    """Return what a message and its row take while they wait, at most."""
    width = 1 if data.isascii() else _WIDEST_CHARACTER_BYTES
    return len(data) * (1 + width) + _ROW_OVERHEAD_BYTES
