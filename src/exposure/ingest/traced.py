"""Ingest's spans: one per message in its publisher's trace, and one per batch that knows all its messages.

    the publisher's span -> process (decode) -> batch -> append

A batch has many messages and a span one parent: that is the first message of those recorded, and all are
linked, in both directions, so that each publisher's trace leads to its append. Nothing of this is imported
without traces. A message is known again in its row by its id, so neither pipeline nor batcher knows of spans.
Conventions: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from exposure.contracts.model import MESSAGE_ID
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.query.model import Row
from exposure.telemetry.spans import Attributes, database_call
from exposure.telemetry.trace_context import TraceContext, context_of_attributes, context_of_headers
from exposure.telemetry.traces import MOST_LINKS, Beginning, RecordedSpan, Traces
from exposure.warehouse.port import Writer
from exposure.warehouse.schema import Table


@dataclass
class _Arrival:
    """A push that is being answered: since when, in which span of Cloud Run's, whether recorded."""

    started_ns: int
    hop: TraceContext | None
    is_recorded: bool = False


@dataclass(frozen=True)
class _Waiting:
    """A message on its way into the warehouse."""

    span: RecordedSpan
    since_ns: int


_ARRIVAL: ContextVar[_Arrival | None] = ContextVar("exposure_arrival", default=None)


class MessageSpans:
    """The messages of one process that are recorded and not yet settled, by id."""

    def __init__(self, traces: Traces) -> None:
        self.traces = traces
        self._waiting: dict[str, _Waiting] = {}

    def begin(self, message: Message, contract: str) -> RecordedSpan | None:
        """Return the span of a message that was decoded just now, or None when it is not drawn."""
        arrival = _ARRIVAL.get()
        hop = arrival.hop if arrival else None
        publisher = context_of_attributes(message.attributes)
        span = self.traces.begin(
            Beginning(
                name=f"process {contract}",
                kind=SpanKind.CONSUMER,
                parent=publisher or hop,
                links=[hop] if hop and publisher else [],
                attributes=_described(message, contract),
                started_ns=arrival.started_ns if arrival else None,
            )
        )
        if span is not None:
            if arrival is not None:
                arrival.is_recorded = True
                span.within("decode", started_ns=arrival.started_ns).end()
            self._waiting[message.id] = _Waiting(span, time.time_ns())
        return span

    def settle(self, message: Message, span: RecordedSpan, outcome: Outcome) -> None:
        """End a message's span with what became of it."""
        waiting = self._waiting.get(message.id)
        # Another delivery of it may wait by now.
        if waiting is not None and waiting.span is span:
            del self._waiting[message.id]
        span.tell({"exposure.outcome": outcome.value})
        if not outcome.acknowledges:
            span.fail(outcome.value)
        span.end()

    def of_rows(self, table: Table, rows: Sequence[Row]) -> list[_Waiting]:
        """Return the recorded messages that the rows came in, as many as a span can name."""
        if not self._waiting:
            return []
        at = next(index for index, column in enumerate(table.columns) if column.name == MESSAGE_ID.name)
        found = (self._waiting.get(str(row[at])) for row in rows)
        return [one for one in found if one is not None][:MOST_LINKS]


class TracedPipeline(Pipeline):
    """A pipeline whose messages are spans. It stands in front of the one that does the work."""

    # Only its calls are those of a pipeline: it has no part of its own.
    def __init__(self, pipeline: Pipeline, contract: str, spans: MessageSpans) -> None:
        self._inner = pipeline
        self._name = contract
        self._spans = spans

    async def handle(self, message: Message) -> Outcome:
        """As the pipeline does."""
        span = self._spans.begin(message, self._name)
        if span is None:
            return await self._inner.handle(message)
        outcome = Outcome.FAILED
        try:
            with span.active():
                outcome = await self._inner.handle(message)
        finally:
            self._spans.settle(message, span, outcome)
        return outcome

    async def handle_all(self, messages: Sequence[Message]) -> list[Outcome]:
        """As the pipeline does."""
        spans = [self._spans.begin(message, self._name) for message in messages]
        outcomes = [Outcome.FAILED] * len(messages)
        try:
            outcomes = await self._inner.handle_all(messages)
        finally:
            for message, span, outcome in zip(messages, spans, outcomes, strict=True):
                if span is not None:
                    self._spans.settle(message, span, outcome)
        return outcomes

    async def drain(self) -> None:
        """As the pipeline does."""
        await self._inner.drain()


class TracedWriter:
    """A Writer around a Writer: appends that hold a recorded message are spans. It ends the traces."""

    def __init__(self, writer: Writer, system: str, spans: MessageSpans) -> None:
        self._writer = writer
        self._system = system
        self._spans = spans

    async def append(self, table: Table, rows: Sequence[Row]) -> Mapping[int, str]:
        """As the port says."""
        waiting = self._spans.of_rows(table, rows)
        if not waiting:
            return await self._writer.append(table, rows)
        batch = self._batch(table, rows, waiting)
        call = database_call(self._system, "APPEND", f"{table.dataset}.{table.name}")
        try:
            with batch.active(), batch.child(f"append {table.name}", call):
                return await self._writer.append(table, rows)
        finally:
            batch.end()

    async def ready(self) -> None:
        """As the port says."""
        await self._writer.ready()

    async def close(self) -> None:
        """As the port says, and end the traces."""
        try:
            await self._writer.close()
        finally:
            await self._spans.traces.close()

    def _batch(self, table: Table, rows: Sequence[Row], waiting: Sequence[_Waiting]) -> RecordedSpan:
        """Return the span of the batch, which began when the first of its messages could wait for it."""
        size: Attributes = {"messaging.system": "gcp_pubsub", "messaging.batch.message_count": len(rows)}
        since = min(one.since_ns for one in waiting)
        batch = waiting[0].span.within(f"batch {table.name}", size, since)
        for one in waiting:
            batch.link(one.span.place)
            one.span.link(batch.place)
        return batch


class TracedPush:
    """An ASGI layer around the push endpoint: what it recorded is sent before the push is answered.

    The request's own trace is that of Cloud Run's hop; the message's is its publisher's.
    """

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other events pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrival = _Arrival(time.time_ns(), context_of_headers(scope["headers"]))

        async def sent(event: Event) -> None:
            if arrival.is_recorded and event["type"] == "http.response.body":
                await self._traces.flush()
            await send(event)

        token = _ARRIVAL.set(arrival)
        try:
            await self._app(scope, receive, sent)
        finally:
            _ARRIVAL.reset(token)


def _described(message: Message, contract: str) -> Attributes:
    return {
        "messaging.system": "gcp_pubsub",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": message.subscription.rsplit("/", 1)[-1] or contract,
        "messaging.message.id": message.id,
        "messaging.message.body.size": len(message.data),
        "messaging.gcp_pubsub.message.delivery_attempt": message.delivery_attempt,
    }
