"""One AppendRows call: requests out, answers in, matched by their order and by nothing else.

Knows the wire. Does not decide what to send, when to open another connection or what an answer leads to.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import grpc
from google.cloud.bigquery_storage_v1.types import storage

from exposure.warehouse.write_outcome import Verdict, WriteOutcome, of_answer, of_end
from exposure.warehouse.write_part import Part

_LOG = logging.getLogger(__name__)
# What writing to a call that has ended raises, depending on how it ended.
_ENDED = (grpc.aio.AioRpcError, asyncio.InvalidStateError)
_TRACE_ID = "exposure:ingest"


@dataclass(frozen=True)
class Route:
    """Where the connections of one stream lead: the stream's path and the Arrow schema of its rows.

    `append_rows` is the transport's callable for the call of that name.
    """

    append_rows: Callable[..., Any]
    path: str
    schema: bytes

    def open_call(self) -> Any:
        """Start a call; it connects in the background."""
        return self.append_rows(metadata=(routing("write_stream", self.path),))

    def request(self, rows: bytes, *, with_schema: bool) -> storage.AppendRowsRequest:
        """Return a request with one serialized record batch."""
        # The raw message, wrapped: building it through proto-plus costs more than the rows.
        message = storage.AppendRowsRequest.pb()()
        message.write_stream = self.path
        message.arrow_rows.rows.serialized_record_batch = rows
        if with_schema:
            message.arrow_rows.writer_schema.serialized_schema = self.schema
            message.trace_id = _TRACE_ID
        request: storage.AppendRowsRequest = storage.AppendRowsRequest.wrap(message)
        return request


def routing(field: str, path: str) -> tuple[str, str]:
    """Return the header that leads a call to the region of the stream; no request's field does."""
    return ("x-goog-request-params", f"{field}={quote(path)}")


class Listener(Protocol):
    """Who owns the connection. Both calls are made on the event loop and must not wait."""

    def answered(self, part: Part, outcome: WriteOutcome) -> None:
        """Act on the answer to a part, which is no longer in flight."""

    def ended(self, connection: Connection, outcome: WriteOutcome) -> None:
        """Act on the end of the connection; `connection.sent` are the parts it left unanswered, in order."""


class Connection:
    """A call from its first request to its end. Only one task may send.

    `sent` are the parts in flight, in order; `is_proven` says that one was stored over this connection.
    """

    def __init__(self, route: Route, answer_timeout: float, listener: Listener) -> None:
        self.sent: deque[Part] = deque()
        self.is_proven = False
        self._route = route
        self._answer_timeout = answer_timeout
        self._listener = listener
        self._call = route.open_call()
        self._cut_reason = ""
        self._overdue: asyncio.TimerHandle | None = None
        self._reading = asyncio.create_task(self._read_to_the_end())
        self._reading.add_done_callback(self._read_all)

    async def send(self, part: Part, rows: bytes) -> None:
        """Send the part; a connection that broke meanwhile keeps it among the unanswered."""
        self.sent.append(part)
        if len(self.sent) == 1:
            self._expect_answer()
        # A first request that is refused may not have taught the service the schema.
        request = self._route.request(rows, with_schema=not self.is_proven)
        writing = asyncio.ensure_future(self._call.write(request))
        try:
            # Or for the end of the call: cut before it ever connected, grpc's write never returns.
            await asyncio.wait((writing, self._reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            writing.cancel()
            writing.add_done_callback(_forget)
        if writing.done() and not writing.cancelled():
            error = writing.exception()
            if error is not None and not isinstance(error, _ENDED):
                raise error

    def cut(self, reason: str) -> None:
        """End the call as lost."""
        self._cut_reason = reason
        self._call.cancel()

    async def close(self) -> None:
        """End the call without a word to the listener."""
        self._expect_nothing()
        self._reading.cancel()
        self._call.cancel()
        await asyncio.wait([self._reading])

    def _read_all(self, reading: asyncio.Task[WriteOutcome]) -> None:
        self._expect_nothing()
        if reading.cancelled():
            return
        if error := reading.exception():
            _LOG.error("answers of %s can no longer be read", self._route.path, exc_info=error)
            self._call.cancel()
        outcome = WriteOutcome(Verdict.LOST, f"an error of ours: {error}") if error else reading.result()
        self._listener.ended(self, outcome)

    async def _read_to_the_end(self) -> WriteOutcome:
        try:
            while (answer := await self._call.read()) is not grpc.aio.EOF:
                if not self.sent:
                    self.cut("an answer came that no request asked for")
                    continue
                self._take(storage.AppendRowsResponse.pb(answer))
        except grpc.aio.AioRpcError as error:
            return of_end(error.code(), error.details(), error.trailing_metadata() or ())
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return WriteOutcome(Verdict.LOST, self._cut_reason)
        return of_end(grpc.StatusCode.OK, None)

    def _take(self, answer: Any) -> None:
        part = self.sent.popleft()
        self._expect_nothing()
        if self.sent:
            self._expect_answer()
        outcome = of_answer(answer, len(part))
        self.is_proven |= outcome.verdict is Verdict.DURABLE
        self._listener.answered(part, outcome)

    def _expect_answer(self) -> None:
        reason = f"no answer within {self._answer_timeout:g} s"
        self._overdue = asyncio.get_running_loop().call_later(self._answer_timeout, self.cut, reason)

    def _expect_nothing(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()


def _forget(writing: asyncio.Future[None]) -> None:
    """Take note of a failure nobody asks for: the reader learns how the call ended, and tells."""
    if not writing.cancelled():
        writing.exception()


def _is_cancelled() -> bool:
    """Tell whether someone asked the current task to stop."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
