"""Spans by OpenTelemetry, sent over OTLP/HTTP to Google or any collector. Imported only where traces are on.

Nothing is sent while a request is being answered, and little after it: CPU is taken away then, so whoever has
recorded something calls `flush` before the answer ends. No value of a row or of a question becomes an
attribute, and of an error only its type.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from exposure.telemetry.beside import beside
from exposure.telemetry.origin import Origin
from exposure.telemetry.sampling import RatioOfOurs
from exposure.telemetry.spans import STEP, Attributes
from exposure.telemetry.trace_context import CURRENT, TraceContext

_LOG = logging.getLogger(__name__)
_EXPORT_SECONDS = 2.0
_CLOSING = timedelta(seconds=1)
_QUEUED_SPANS, _SENT_SPANS = 4096, 512
# How long spans wait for company where nobody flushes.
_WAITING_MS = 1000
# As many as Google keeps of a span.
MOST_LINKS = 128


@dataclass(frozen=True, kw_only=True)
class TraceTarget:
    """Where spans go and which do. `url` is the collector's, its path included.

    `flush` is the longest that an answer waits for its spans to be sent; nothing waits when it is zero.
    `session` is a `requests.Session` that signs what it sends.
    """

    origin: Origin
    url: str
    ratio: float
    trusts_callers: bool
    flush: timedelta = timedelta(milliseconds=300)
    session: Any = None


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """How a span begins. `parent` and `links` are spans of others; `started_ns` is since the epoch."""

    name: str
    kind: SpanKind = SpanKind.INTERNAL
    parent: TraceContext | None = None
    links: Sequence[TraceContext] = ()
    attributes: Attributes = field(default_factory=dict)
    started_ns: int | None = None


class RecordedSpan:
    """A span that is being recorded."""

    def __init__(self, tracer: Any, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        context = span.get_span_context()
        self.place = TraceContext(f"{context.trace_id:032x}", f"{context.span_id:016x}", is_sampled=True)

    @contextlib.contextmanager
    def active(self) -> Iterator[RecordedSpan]:
        """Have what runs inside the block be part of it; an error that leaves the block is noted."""
        step, current = STEP.set(self), CURRENT.set(self.place)
        try:
            yield self
        except Exception as error:
            self.fail(type(error).__name__)
            raise
        finally:
            STEP.reset(step)
            CURRENT.reset(current)

    @contextlib.contextmanager
    def child(self, name: str, attributes: Attributes | None = None) -> Iterator[RecordedSpan]:
        """Record a step within it; ends with the block."""
        step = self.within(name, attributes)
        try:
            with step.active():
                yield step
        finally:
            step.end()

    def within(
        self, name: str, attributes: Attributes | None = None, started_ns: int | None = None
    ) -> RecordedSpan:
        """Return a step within it, begun and to be ended by the caller."""
        context = set_span_in_context(self._span)
        step = self._tracer.start_span(name, context, attributes=attributes, start_time=started_ns)
        return RecordedSpan(self._tracer, step)

    def tell(self, attributes: Attributes) -> None:
        """Note attributes."""
        self._span.set_attributes(attributes)

    def link(self, other: TraceContext) -> None:
        """Note another span that this one has to do with."""
        self._span.add_link(_span_context(other))

    def fail(self, kind: str) -> None:
        """Note that it failed, and by what kind of error."""
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        """End it now."""
        self._span.end()


class Traces:
    """The spans of one process, of which `close` is the end. Lives on one event loop."""

    def __init__(self, target: TraceTarget) -> None:
        self._flush_seconds = target.flush.total_seconds()
        exporter = OTLPSpanExporter(
            target.url, timeout=_EXPORT_SECONDS, compression=Compression.Gzip, session=target.session
        )
        self._sending = BatchSpanProcessor(
            exporter,
            max_queue_size=_QUEUED_SPANS,
            max_export_batch_size=_SENT_SPANS,
            schedule_delay_millis=_WAITING_MS,
        )
        self._provider = TracerProvider(
            sampler=RatioOfOurs(target.ratio, trusts_callers=target.trusts_callers),
            resource=Resource.create(target.origin.attributes()),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_links=MOST_LINKS),
        )
        self._provider.add_span_processor(self._sending)
        self._tracer = self._provider.get_tracer("exposure")
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, beginning: Beginning) -> RecordedSpan | None:
        """Return a span that has begun, or None when it was not drawn."""
        parent = beginning.parent
        context = set_span_in_context(NonRecordingSpan(_span_context(parent))) if parent else Context()
        span = self._tracer.start_span(
            beginning.name,
            context,
            kind=beginning.kind,
            attributes=beginning.attributes,
            links=[Link(_span_context(one)) for one in beginning.links],
            start_time=beginning.started_ns,
        )
        return RecordedSpan(self._tracer, span) if span.is_recording() else None

    async def flush(self) -> None:
        """Send what has ended, in the time that an answer may wait for it; raises nothing."""
        if not self._flush_seconds:
            return
        if self._next is None:
            self._next = asyncio.create_task(self._send())
            self._under_way.add(self._next)
            self._next.add_done_callback(self._under_way.discard)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._next), self._flush_seconds)

    async def close(self) -> None:
        """Send the rest within a second, or give it up; raises nothing."""
        try:
            async with asyncio.timeout(_CLOSING.total_seconds()):
                await asyncio.gather(*self._under_way)
                await beside(self._provider.shutdown)
        except TimeoutError:
            _LOG.warning("the collector of traces has not answered; the last spans are lost")

    async def _send(self) -> None:
        """Send once for all who asked while the sending before was under way."""
        async with self._turn:
            self._next = None
            await beside(self._sending.force_flush)


def _span_context(place: TraceContext) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if place.is_sampled else TraceFlags.DEFAULT)
    return SpanContext(int(place.trace_id, 16), int(place.span_id, 16), is_remote=True, trace_flags=flags)
