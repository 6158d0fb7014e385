"""Metrics by OpenTelemetry, sent over OTLP/HTTP to Google or any collector. Imported only where they are.

They are the counts of `counts` and nothing else; alerts and objectives read the log and need none of them.
A timer sends them, beside the event loop. Where CPU is taken away after each answer the timer is late: the
next answer begins the sending and waits briefly at its end, so that CPU stays until they are sent. What does
not arrive is part of the next sending; the last one is when the process is told to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http import Compression, metric_exporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource

from exposure.again import once
from exposure.telemetry.beside import beside
from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.origin import Origin
from exposure.telemetry.points import metrics_data

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger(__name__)
_THEIR_LOG = logging.getLogger(metric_exporter.__name__)
_EXPORT_SECONDS = 2.0
_CLOSING = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class MetricsTarget:
    """Where metrics go and how often. `url` is the collector's, its path included.

    `flush` is the longest that one answer waits for a sending that is under way; nothing waits when it is
    zero. `session` is a `requests.Session` that signs what it sends.
    """

    origin: Origin
    url: str
    interval: timedelta = timedelta(seconds=60)
    flush: timedelta = timedelta(milliseconds=300)
    session: Any = None


class SentMetrics:
    """Sends the counts and levels of one process while it is `running`. Lives on one event loop."""

    def __init__(
        self, target: MetricsTarget, counts: Counts, levels: Callable[[], Iterable[Level]] = tuple
    ) -> None:
        self._interval_seconds = target.interval.total_seconds()
        self._flush_seconds = target.flush.total_seconds()
        self._resource = Resource.create(target.origin.attributes())
        self._counts = counts
        self._levels = levels
        self._exporter = metric_exporter.OTLPMetricExporter(
            target.url, timeout=_EXPORT_SECONDS, compression=Compression.Gzip, session=target.session
        )
        self._complaints = _OncePerSpell()
        self._sending: asyncio.Task[None] | None = None
        self._is_awaited = False
        self._due = math.inf

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send every interval, and once more at the end, within a second or not at all; raises nothing."""
        _THEIR_LOG.addFilter(self._complaints)
        self._put_off()
        timer = asyncio.create_task(self._send_every_interval())
        try:
            yield
            await self._send_the_last()
        finally:
            timer.cancel()
            self._exporter.shutdown()
            _THEIR_LOG.removeFilter(self._complaints)

    @property
    def may_be_awaited(self) -> bool:
        """Tell whether an answer may wait for a sending."""
        return self._flush_seconds > 0

    async def settle(self) -> None:
        """Wait for a sending under way or overdue, if nobody does, as an answer may; raises nothing."""
        if not self.may_be_awaited:
            return
        self._begin_if_due()
        if self._sending is None or self._sending.done() or self._is_awaited:
            return
        self._is_awaited = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._sending), self._flush_seconds)

    async def _send_every_interval(self) -> None:
        while True:
            await asyncio.sleep(self._due - asyncio.get_running_loop().time())
            self._begin_if_due()
            if self._sending is not None:
                await asyncio.shield(self._sending)

    def _begin_if_due(self) -> None:
        """Begin, unless an answer has, or the timer."""
        is_idle = self._sending is None or self._sending.done()
        if is_idle and asyncio.get_running_loop().time() >= self._due:
            self._begin()

    def _put_off(self) -> None:
        self._due = asyncio.get_running_loop().time() + self._interval_seconds

    def _begin(self) -> asyncio.Task[None]:
        """Begin to send what has been counted until now; what is given up goes on alone."""
        self._put_off()
        self._is_awaited = False
        self._sending = asyncio.create_task(self._send())
        return self._sending

    async def _send(self) -> None:
        try:
            data = metrics_data(self._resource, self._counts, self._levels(), time.time_ns())
            await beside(lambda: self._export(data))
        except Exception:
            _LOG.exception("metrics could not be sent")

    def _export(self, data: MetricsData) -> None:
        if self._exporter.export(data) is MetricExportResult.SUCCESS:
            self._complaints.is_spell = False

    async def _send_the_last(self) -> None:
        try:
            async with asyncio.timeout(_CLOSING.total_seconds()):
                if self._sending is not None:
                    await asyncio.shield(self._sending)
                await asyncio.shield(self._begin())
        except TimeoutError:
            _LOG.warning("the collector of metrics has not answered; the last counts are lost")


class SendsMetrics:
    """An ASGI layer around everything else: metrics are sent for as long as the application lives."""

    def __init__(self, app: ASGIApp, metrics: SentMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's start and end."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return

        # What is overdue is looked for with each answer.
        once(scope)
        if not self._metrics.may_be_awaited:
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                await self._metrics.settle()
            await send(message)

        await self._app(scope, receive, sent)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the life on; its end is told when all that it has counted has been sent."""
        ended: list[Message] = []

        async def told(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                ended.append(message)
            else:
                await send(message)

        async with self._metrics.running():
            await self._app(scope, receive, told)
        for message in ended:
            await send(message)


class _OncePerSpell(logging.Filter):
    """Lets the exporter say that it failed, and why, once until it succeeds again."""

    is_spell = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is written; an attempt that is made again has not failed yet."""
        if record.levelno < logging.ERROR:
            return False
        is_first, self.is_spell = not self.is_spell, True
        return is_first
