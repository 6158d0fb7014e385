"""What is told of one process beside its lines: counts, if it is asked for metrics, and traces, if on.

Both are off in the cloud unless a setting says otherwise; what is off is neither imported nor wrapped around
anything. How the roads are traced is said in `api.watched` and `ingest.watched`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.lines import Lines
from exposure.telemetry.request_counts import CountedRequests
from exposure.telemetry.trace_place import TracePlace

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from exposure.telemetry.traces import Traces


def _no_levels() -> Iterable[Level]:
    return ()


@dataclass(frozen=True)
class Watch:
    """`contracts` are the names of those served, `project` is Google's name for whose traces they are.

    `levels` are told together with the counts.
    """

    contracts: Sequence[str]
    project: str = ""
    counts: Counts | None = None
    traces: Traces | None = None
    levels: Callable[[], Iterable[Level]] = _no_levels

    def lines(self, stream: TextIO | None) -> Lines:
        """Return what writes the process's lines."""
        return Lines(stream, self.project, self.counts.hear if self.counts is not None else None)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return the application with what surrounds it: the page of metrics, counted requests, the trace."""
        if self.project:
            app = TracePlace(app)
        counts = self.counts
        if counts is None:
            return app
        from exposure.telemetry.exposition import (  # noqa: PLC0415 - nobody else needs Prometheus' library
            MetricsPage,
            exposition,
        )

        counted = CountedRequests(app, counts, self.contracts)
        return MetricsPage(counted, lambda: exposition(counts, self.levels()))
