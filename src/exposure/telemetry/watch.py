"""What is told of one process beside its lines: counts, as a page or sent away, and traces, if on.

All are off in the cloud unless a setting says otherwise; what is off is neither imported nor wrapped around
anything. How the roads are traced is said in `api.watched` and `ingest.watched`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.lines import Lines
from exposure.telemetry.request_counts import CountedRequests
from exposure.telemetry.trace_place import TracePlace

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from exposure.telemetry.sent_metrics import SentMetrics
    from exposure.telemetry.traces import Traces


def no_levels() -> Iterable[Level]:
    """Return the levels of a process that has none."""
    return ()


@dataclass(frozen=True)
class Watch:
    """`contracts` are the names of those served, `project` is Google's name for whose traces they are.

    `counts` are there where somebody is told of them, by a page or by `metrics`, and of the `levels` as well.
    """

    contracts: Sequence[str]
    project: str = ""
    counts: Counts | None = None
    traces: Traces | None = None
    levels: Callable[[], Iterable[Level]] = no_levels
    metrics: SentMetrics | None = None
    has_page: bool = True

    def lines(self, stream: TextIO | None) -> Lines:
        """Return what writes the process's lines."""
        return Lines(stream, self.project, self.counts.hear if self.counts is not None else None)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with what surrounds it: its counts, who is told of them, the trace."""
        if self.project:
            app = TracePlace(app)
        if self.counts is not None:
            app = self._paged(CountedRequests(app, self.counts, self.contracts), self.counts)
        if self.metrics is None:
            return app
        from exposure.telemetry.sent_metrics import SendsMetrics  # noqa: PLC0415 - nobody else needs OpenTelemetry

        return SendsMetrics(app, self.metrics)

    def sending(self) -> AbstractAsyncContextManager[None]:
        """Return what a process without an application runs inside of, so that its metrics are sent."""
        return nullcontext() if self.metrics is None else self.metrics.running()

    def _paged(self, app: ASGIApp, counts: Counts) -> ASGIApp:
        if not self.has_page:
            return app
        from exposure.telemetry.exposition import (  # noqa: PLC0415 - nobody else needs Prometheus' library
            MetricsPage,
            exposition,
        )

        return MetricsPage(app, lambda: exposition(counts, self.levels()))
