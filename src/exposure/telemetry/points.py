"""What was counted, as OpenTelemetry's metrics data: the same series, values and edges as everywhere.

Counters are monotonic sums, histograms have our edges, both since the process began to count, so that whoever
misses a sending has everything with the next. Levels are gauges. Imported only where metrics are sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as Told
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from exposure.telemetry.counts import Counts, Labels, Level, Tally
from exposure.telemetry.names import Kind, Metric

_CUMULATIVE = AggregationTemporality.CUMULATIVE


def metrics_data(resource: Resource, counts: Counts, levels: Iterable[Level], now_ns: int) -> MetricsData:
    """Return all that was counted until now, and the levels; `now_ns` is since the epoch."""
    told = [
        _counter(metric, series, (counts.began_ns, now_ns))
        if metric.kind is Kind.COUNTER
        else _histogram(metric, series, (counts.began_ns, now_ns))
        for metric, series in counts.series().items()
        if series
    ]
    told += [_gauge(level, now_ns) for level in levels if level.values]
    scope = ScopeMetrics(InstrumentationScope("exposure"), told, schema_url="")
    return MetricsData([ResourceMetrics(resource, [scope], schema_url="")])


def _counter(metric: Metric, series: Mapping[Labels, Tally], since_until: tuple[int, int]) -> Told:
    points = [
        NumberDataPoint(_attributes(metric.labels, labels), *since_until, tally.count)
        for labels, tally in series.items()
    ]
    return Told(metric.name, metric.description, metric.unit, Sum(points, _CUMULATIVE, is_monotonic=True))


def _histogram(metric: Metric, series: Mapping[Labels, Tally], since_until: tuple[int, int]) -> Told:
    points = [
        HistogramDataPoint(
            _attributes(metric.labels, labels),
            *since_until,
            count=tally.count,
            sum=tally.total,
            # The thread that sends must not see what is counted meanwhile.
            bucket_counts=tuple(tally.buckets),
            explicit_bounds=metric.edges,
            # Not counted, and optional in the protocol.
            min=None,  # type: ignore[arg-type]
            max=None,  # type: ignore[arg-type]
        )
        for labels, tally in series.items()
    ]
    return Told(metric.name, metric.description, metric.unit, Histogram(points, _CUMULATIVE))


def _gauge(level: Level, now_ns: int) -> Told:
    points = [
        NumberDataPoint(_attributes(level.labels, labels), now_ns, now_ns, value)
        for labels, value in level.values.items()
    ]
    return Told(level.name, level.description, level.unit, Gauge(points))


def _attributes(names: Iterable[str], values: Labels) -> dict[str, str]:
    return dict(zip(names, values, strict=True))
