"""Points of metrics as a collector receives them over OTLP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)


@dataclass(frozen=True)
class ReceivedPoint:
    """One point. `kind` is sum, histogram or gauge; `value` a histogram's sum; times in nanoseconds."""

    name: str
    kind: str
    unit: str
    description: str
    labels: Mapping[str, object]
    resource: Mapping[str, object]
    value: float
    started_ns: int
    ended_ns: int
    temporality: str = ""
    is_monotonic: bool = False
    count: int = 0
    buckets: tuple[int, ...] = ()
    edges: tuple[float, ...] = ()
    has_extremes: bool = False


def received_points(request: ExportMetricsServiceRequest) -> Iterator[ReceivedPoint]:
    """Yield every point of a request."""
    for of_resource in request.resource_metrics:
        resource = values(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                yield from _points(metric, resource)


def values(written: Iterable[KeyValue]) -> dict[str, object]:
    """Return attributes by their names."""
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in written}


def _points(metric: Metric, resource: Mapping[str, object]) -> Iterator[ReceivedPoint]:
    kind = str(metric.WhichOneof("data"))
    data = getattr(metric, kind)
    temporality = "" if kind == "gauge" else AggregationTemporality.Name(data.aggregation_temporality)
    for point in data.data_points:
        yield ReceivedPoint(
            name=metric.name,
            kind=kind,
            unit=metric.unit,
            description=metric.description,
            labels=values(point.attributes),
            resource=resource,
            value=_value(point),
            started_ns=point.start_time_unix_nano,
            ended_ns=point.time_unix_nano,
            temporality=temporality.removeprefix("AGGREGATION_TEMPORALITY_"),
            is_monotonic=kind == "sum" and data.is_monotonic,
            **_spread(point),
        )


def _value(point: NumberDataPoint | HistogramDataPoint) -> float:
    if isinstance(point, HistogramDataPoint):
        return point.sum
    return float(getattr(point, str(point.WhichOneof("value"))))


def _spread(point: NumberDataPoint | HistogramDataPoint) -> dict[str, Any]:
    if not isinstance(point, HistogramDataPoint):
        return {}
    return {
        "count": point.count,
        "buckets": tuple(point.bucket_counts),
        "edges": tuple(point.explicit_bounds),
        "has_extremes": point.HasField("min") or point.HasField("max"),
    }
