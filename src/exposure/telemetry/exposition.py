"""The page that `GET /metrics` answers with, and the layer that answers it. Imported only where it is wanted.

The text is written by Prometheus' own library, in the format that every Prometheus reads, 0.0.4:
https://prometheus.io/docs/instrumenting/exposition_formats/. What is counted is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import Metric as Family
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from exposure.telemetry.counts import Counts, Labels, Level, Tally
from exposure.telemetry.names import Kind, Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/metrics"


def exposition(counts: Counts, levels: Iterable[Level] = ()) -> str:
    """Return the text; a metric without a value yet has its head only."""
    return generate_latest(_Told(counts, levels)).decode()


class MetricsPage:
    """An ASGI layer that answers `GET /metrics` and passes everything else on; it asks for no credential."""

    def __init__(self, app: ASGIApp, text: Callable[[], str]) -> None:
        self._app = app
        self._text = text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass it on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        body = self._text().encode()
        headers = [
            (b"content-type", CONTENT_TYPE_PLAIN_0_0_4.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class _Told:
    """What is told, as the library collects it."""

    def __init__(self, counts: Counts, levels: Iterable[Level]) -> None:
        self._counts = counts
        self._levels = levels

    def collect(self) -> Iterator[Family]:
        """Yield the metrics, then the levels."""
        for metric, series in self._counts.series().items():
            yield _counter(metric, series) if metric.kind is Kind.COUNTER else _histogram(metric, series)
        for level in self._levels:
            gauge = GaugeMetricFamily(level.name, level.description, labels=level.labels)
            for labels, value in level.values.items():
                gauge.add_metric(labels, value)
            yield gauge


def _counter(metric: Metric, series: Mapping[Labels, Tally]) -> Family:
    family = CounterMetricFamily(metric.name, metric.description, labels=metric.labels)
    for labels, tally in series.items():
        family.add_metric(labels, tally.count)
    return family


def _histogram(metric: Metric, series: Mapping[Labels, Tally]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.description, labels=metric.labels)
    edges = [*map(str, metric.edges), "+Inf"]
    for labels, tally in series.items():
        family.add_metric(labels, list(zip(edges, tally.up_to_each_edge(), strict=True)), tally.total)
    return family
