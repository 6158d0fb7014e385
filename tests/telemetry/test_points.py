"""What was counted, as a collector reads it: the same series, values and edges, by names Google takes."""

from __future__ import annotations

import re

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.resources import Resource

from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.names import BACKLOG_LEVEL, COUNTED_METRICS, METRICS, OLDEST_LEVEL, Kind, Metric
from exposure.telemetry.origin import Origin
from exposure.telemetry.points import metrics_data
from fakes.received_points import ReceivedPoint, received_points

# https://cloud.google.com/stackdriver/docs/reference/telemetry/v1.metrics: others are refused.
GOOGLE_NAME, GOOGLE_LABEL = re.compile(r"[a-zA-Z][a-zA-Z0-9_:./]*"), re.compile(r"[a-zA-Z_][a-zA-Z0-9_.]*")
EVERY = (*METRICS, *COUNTED_METRICS)
BACKLOG = Level(BACKLOG_LEVEL, "{message}", ("contract",), "Waiting.", {("orders",): 2.0})


def told(counts: Counts, *levels: Level, origin: Origin | None = None) -> list[ReceivedPoint]:
    resource = Resource.create((origin or Origin("a-service")).attributes())
    now_ns = counts.began_ns + 60_000_000_000
    return list(received_points(encode_metrics(metrics_data(resource, counts, levels, now_ns))))


def counted(metric: Metric, *values: float) -> Counts:
    counts = Counts()
    for value in values:
        counts.add(metric, ["x"] * len(metric.labels), value)
    return counts


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_every_metric_can_be_sent_under_names_that_google_takes(metric: Metric) -> None:
    [point] = told(counted(metric, 1.0))
    assert (point.name, point.unit, point.description) == (metric.name, metric.unit, metric.description)
    assert point.kind == ("sum" if metric.kind is Kind.COUNTER else "histogram")
    assert GOOGLE_NAME.fullmatch(point.name)
    assert point.labels == dict.fromkeys(metric.labels, "x")
    assert all(GOOGLE_LABEL.fullmatch(label) for label in point.labels)


@pytest.mark.parametrize("name", [BACKLOG_LEVEL, OLDEST_LEVEL])
def test_levels_have_names_that_google_takes(name: str) -> None:
    assert GOOGLE_NAME.fullmatch(name)


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_every_series_is_all_since_the_process_began(metric: Metric) -> None:
    counts = counted(metric, 1.0, 2.0)
    [point] = told(counts)
    assert (point.started_ns, point.ended_ns - point.started_ns) == (counts.began_ns, 60_000_000_000)
    assert point.temporality == "CUMULATIVE"
    assert point.is_monotonic == (metric.kind is Kind.COUNTER)
    assert point.value == (2 if metric.kind is Kind.COUNTER else 3.0)


@pytest.mark.parametrize(
    "metric", [one for one in EVERY if one.kind is Kind.HISTOGRAM], ids=lambda metric: metric.name
)
def test_a_histogram_has_its_own_edges_and_one_bucket_more(metric: Metric) -> None:
    [point] = told(counted(metric, metric.edges[0], metric.edges[-1] + 1))
    assert point.edges == metric.edges
    assert point.buckets == (1, *[0] * (len(metric.edges) - 1), 1)
    assert (point.count, point.has_extremes) == (2, False)


def test_what_takes_exactly_the_promised_time_is_within_it() -> None:
    [latency] = [metric for metric in METRICS if metric.name == "exposure_latency_seconds"]
    [point] = told(counted(latency, 0.3, 0.301))
    within = point.edges.index(0.3)
    assert (sum(point.buckets[: within + 1]), point.buckets[within + 1]) == (1, 1)


def test_a_level_is_a_gauge_with_its_unit() -> None:
    [point] = told(Counts(), BACKLOG)
    assert (point.kind, point.unit, point.value, point.labels) == (
        "gauge", "{message}", 2.0, {"contract": "orders"},
    )  # fmt: skip


def test_what_was_never_counted_is_not_sent() -> None:
    assert told(Counts(), Level(BACKLOG_LEVEL, "{message}", ("contract",), "Waiting.", {})) == []


def test_what_is_counted_meanwhile_is_no_part_of_what_is_sent() -> None:
    [metric] = [one for one in METRICS if one.name == "exposure_append_seconds"]
    counts = counted(metric, 0.3)
    data = metrics_data(Resource.create({}), counts, (), counts.began_ns + 1)
    counts.add(metric, ["x"], 0.3)
    [point] = received_points(encode_metrics(data))
    assert (point.count, sum(point.buckets), point.value) == (1, 1, 0.3)


def test_points_say_whose_they_are_where_they_come_from_and_which_process_counted() -> None:
    origins = [Origin("a-service", "a-project", "europe-west1") for _ in range(2)]
    resources = [told(counted(METRICS[0], 1.0), origin=origin)[0].resource for origin in origins]
    for resource in resources:
        assert resource["service.name"] == "a-service"
        assert resource["gcp.project_id"] == "a-project"
        assert resource["cloud.region"] == "europe-west1"
        assert resource["service.instance.id"]
    assert resources[0]["service.instance.id"] != resources[1]["service.instance.id"]


def test_what_is_not_known_of_a_process_is_not_said() -> None:
    assert Origin("a-service").attributes().keys() == {"service.name", "service.instance.id"}
