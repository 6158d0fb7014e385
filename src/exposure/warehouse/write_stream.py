"""The default stream of one table: one task sends, answers resolve in order, and what is lost is sent again.

The library's own `AppendRowsStream` is not used: it may attach an answer to the wrong request when several
threads send, and a caller polls for its answer. Here everything happens on one event loop. Rows may be
stored twice when a connection dies before it answered; none is claimed that is not stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from exposure.query.model import Row
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.write_connection import Connection, Route
from exposure.warehouse.write_limits import Timing, WriteLimits
from exposure.warehouse.write_outcome import Verdict, WriteOutcome, warehouse_error
from exposure.warehouse.write_pace import WritePace
from exposure.warehouse.write_part import Append, Part, encode

_LOG = logging.getLogger(__name__)


class WriteStream:
    """Appends to one table. `forget` is called when the stream has ended and must not be used again.

    A part of an append is settled, in the queue, in flight (`Connection.sent`), or kept by a `Suspect` that
    is in the queue or in flight. All but the owner's own methods run between two turns of the event loop, so
    there is nothing to lock.
    """

    def __init__(
        self, route: Route, schema: pa.Schema, limits: WriteLimits, timing: Timing, forget: Callable[[], None]
    ) -> None:
        self.is_proven = False
        self._route = route
        self._schema = schema
        self._limits = limits
        self._sleep = timing.sleep
        self._forget = forget
        self._loop = asyncio.get_running_loop()
        self._pace = WritePace(limits, timing.dice, self._loop.time)
        self._appends: set[Append] = set()
        self._queue: deque[Part] = deque()
        self._connection: Connection | None = None
        self._must_reopen = False
        # Requests stored, and appends since the last of them that were refused without a row being named.
        self._stored = self._unproven = 0
        self._wake = asyncio.Event()
        self._owner = asyncio.create_task(self._own())
        self._owner.add_done_callback(self._owner_ended)

    async def append(self, rows: Sequence[Row]) -> Mapping[int, str]:
        """Return the reason of each refused row, by index; all others are stored.

        Raises WarehouseUnavailable or WarehouseMisconfigured when not all rows are settled in time.
        """
        deadline = self._loop.time() + self._limits.deadline.total_seconds()
        self._admit(deadline)
        encoded = encode(self._schema, rows)
        if not encoded.indices:
            return encoded.refused
        append = Append(len(encoded.indices), encoded.refused, deadline, self._stored)
        timer = self._loop.call_at(deadline, self._expire, append)
        append.last_failure = self._pace.failure
        self._appends.add(append)
        self._queue.append(Part(append, encoded.batch, encoded.indices))
        self._wake.set()
        try:
            return await append.answer
        finally:
            timer.cancel()
            self._appends.discard(append)
            if not append.is_settled:
                # Rows nobody waits for any more need not be held until their turn comes.
                self._queue = deque(part for part in self._queue if part.append is not append)

    def check_setup(self) -> None:
        """Raise WarehouseMisconfigured while a wrong set-up is remembered."""
        if self._pace.failure is not None and self._pace.is_setup_wrong:
            raise warehouse_error(self._pace.failure, self._route.path)

    def learn(self, outcome: WriteOutcome) -> None:
        """Take in what was found about the table beside its appends: that it is sound, or how not."""
        if outcome.verdict is Verdict.DURABLE:
            self.is_proven = True
        else:
            self._hold_off(outcome)

    async def close(self) -> None:
        """Wait for the appends at hand, each until its deadline at most, then end."""
        while waiting := [append.answer for append in self._appends if not append.is_over]:
            await asyncio.wait(waiting)
        self._owner.cancel()
        await asyncio.wait([self._owner])

    # What the connection tells.

    def answered(self, part: Part, outcome: WriteOutcome) -> None:
        """Act on the answer to a part."""
        self._wake.set()
        if outcome.verdict is Verdict.DURABLE:
            self._stored += 1
            self._unproven = 0
            part.append.stored(len(part))
            self._send_next(part.after_stored())
            self.is_proven = True
            self._pace.succeeded()
            self._must_reopen |= outcome.schema_changed
        elif outcome.verdict is Verdict.ROWS_NAMED:
            self._refuse_named(part, outcome)
        elif outcome.verdict is Verdict.ROWS_UNNAMED:
            self._search(part, outcome)
        else:
            self._must_reopen |= outcome.verdict is not Verdict.THROTTLED
            self._queue.appendleft(part)
            self._hold_off(outcome)

    def ended(self, connection: Connection, outcome: WriteOutcome) -> None:
        """Act on the end of the connection. With nothing in flight it is no failure: idle ones are closed."""
        self._wake.set()
        self._connection, self._must_reopen = None, False
        unanswered = connection.sent
        if len(unanswered) == 1 and outcome.verdict is Verdict.ROWS_UNNAMED:
            self._search(unanswered[0], outcome)
        elif unanswered:
            self._send_next(tuple(unanswered))
            # When a row is at fault and the status does not say in which part, the next stream will tell:
            # it begins with one part alone.
            if outcome.verdict is not Verdict.ROWS_UNNAMED:
                self._hold_off(outcome)

    # The owner.

    async def _own(self) -> None:
        try:
            while True:
                self._wake.clear()
                await self._replace_connection()
                part = self._next()
                if part is not None:
                    await self._send(part)
                elif self._queue and self._pace.wait:
                    await self._sleep(self._pace.wait)
                elif not await self._woken():
                    return
        finally:
            self._forget()
            if self._connection is not None:
                await self._connection.close()

    async def _replace_connection(self) -> None:
        """Close a connection of no further use, once no answer is to come on it."""
        if not self._must_reopen or (self._connection is not None and self._connection.sent):
            return
        connection, self._connection, self._must_reopen = self._connection, None, False
        if connection is not None:
            await connection.close()

    def _next(self) -> Part | None:
        """Take the part to send now, if any may be sent."""
        while self._queue and self._queue[0].append.is_over:
            self._queue.popleft()
        if not self._queue or self._must_reopen or self._pace.wait or self._is_window_full():
            return None
        return self._queue.popleft()

    def _is_window_full(self) -> bool:
        connection = self._connection
        if connection is None:
            return False
        # A new call begins with one part, so that a refusal is about that part, a wrong set-up is met by one
        # probe, and its reason survives: grpc says INTERNAL when a call that was refused is written to.
        window = self._pace.window if connection.is_proven else 1
        return len(connection.sent) >= window

    async def _send(self, part: Part) -> None:
        """Send the part, or put it back in several when it is too large."""
        limits, size = self._limits, part.batch.nbytes
        if size > limits.request_bytes and len(part) > 1:
            self._send_next([*part.pieces(-(-size // limits.request_bytes)), *part.rest()])
            return
        rows = part.batch.serialize().to_pybytes()
        if len(rows) > limits.row_bytes and len(part) == 1:
            reason = f"the row takes {len(rows)} bytes, an append at most {limits.row_bytes}"
            part.append.refuse(part.indices[0], reason)
            self._send_next(part.rest())
            self._settle_doubts(part.append)
            return
        if self._connection is None:
            self._connection = Connection(self._route, limits.answer_timeout.total_seconds(), self)
        await self._connection.send(part, rows)

    async def _woken(self) -> bool:
        """Wait until there may be something to do; False when the stream was not used for long."""
        try:
            async with asyncio.timeout(self._limits.idle.total_seconds()):
                await self._wake.wait()
        except TimeoutError:
            return bool(self._appends or (self._connection and self._connection.sent))
        return True

    def _owner_ended(self, owner: asyncio.Task[None]) -> None:
        if owner.cancelled() or owner.exception() is None:
            return
        _LOG.error("the stream of %s ended by an error of ours", self._route.path, exc_info=owner.exception())
        for append in self._appends:
            append.fail(WarehouseUnavailable(f"the stream of {self._route.path} broke; see the logs"))

    def _send_next(self, parts: Sequence[Part]) -> None:
        """Put the parts before all others, in their order."""
        self._queue.extendleft(reversed(parts))

    # What failures lead to.

    def _admit(self, deadline: float) -> None:
        """Refuse an append that has no chance, before it costs anything."""
        if len(self._appends) >= self._limits.waiting:
            raise WarehouseUnavailable(f"{len(self._appends)} appends to {self._route.path} wait already")
        if self._pace.failure is not None and self._pace.is_hopeless(deadline):
            raise warehouse_error(self._pace.failure, self._route.path)

    def _hold_off(self, outcome: WriteOutcome) -> None:
        """Send nothing for a while, and fail at once what cannot wait that long."""
        self._pace.failed(outcome)
        self.is_proven &= outcome.verdict is not Verdict.MISCONFIGURED
        for append in {part.append for part in self._queue}:
            append.last_failure = outcome
            if self._pace.is_hopeless(append.deadline):
                self._expire(append)

    def _expire(self, append: Append) -> None:
        seconds = self._limits.deadline.total_seconds()
        failure = append.last_failure or WriteOutcome(Verdict.LOST, f"no answer within {seconds:g} s")
        append.fail(warehouse_error(failure, self._route.path))

    def _refuse_named(self, part: Part, outcome: WriteOutcome) -> None:
        """Give up the named rows; the others go again, which names the next when the list was cut."""
        for row, reason in outcome.rows.items():
            part.append.refuse(part.indices[row], reason)
        others = [part.without(outcome.rows)] if len(outcome.rows) < len(part) else []
        self._send_next([*others, *part.rest()])
        self._settle_doubts(part.append)

    def _search(self, part: Part, outcome: WriteOutcome) -> None:
        """Look for the rows at fault by halves, unless they are so many that rows cannot be the cause."""
        if len(part) == 1:
            part.append.doubt(part.indices[0], outcome.reason)
            self._send_next(part.rest())
            self._settle_doubts(part.append)
            return
        part.append.searches += 1
        if part.append.searches > self._limits.searches:
            reason = f"too many rows are refused without being named: {outcome.reason}"
            part.append.fail(WarehouseMisconfigured(f"BigQuery: {self._route.path}: {reason}"))
        else:
            self._send_next(part.halved())

    def _settle_doubts(self, append: Append) -> None:
        """Hold a row against itself only once the table has taken another; else the table may be wrong."""
        if self._stored > append.stored_before:
            append.prove_doubts()
        elif append.is_doubted:
            reason = f"refused without a row being named, and no other row was stored: {append.doubt_reason}"
            outcome = WriteOutcome(Verdict.MISCONFIGURED, reason)
            append.fail(WarehouseUnavailable(f"BigQuery: {self._route.path}: {reason}"))
            self._unproven += 1
            if self._unproven >= self._limits.unproven:
                self._hold_off(outcome)
