"""The page of metrics: what the lines said, as Prometheus' own parser reads it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message, Receive, Scope, Send

from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.exposition import MetricsPage, exposition
from exposure.telemetry.lines import Lines
from exposure.telemetry.names import COUNTED_METRICS, METRICS, Kind
from exposure.telemetry.request_counts import CountedRequests
from fakes.asgi_client import call


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample by its name and labels."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def value(text: str, name: str, **labels: str) -> float | None:
    return samples(text).get((name, tuple(sorted(labels.items()))))


def told(*events: tuple[str, dict[str, Any]]) -> str:
    counts = Counts()
    lines = Lines(heard=counts.hear)
    for event, fields in events:
        lines.write(event, **fields)
    return exposition(counts)


APPEND: dict[str, Any] = {"contract": "orders", "rows": 3, "freshness_seconds": 0.5, "append_seconds": 0.3}


def test_every_metric_has_its_kind_and_its_help_before_it_has_a_value() -> None:
    families = {family.name: family for family in text_string_to_metric_families(exposition(Counts()))}
    for metric in (*METRICS, *COUNTED_METRICS):
        name = metric.name.removesuffix("_total")
        assert (families[name].type, families[name].documentation) == (metric.kind, metric.description)


def test_a_line_counts_in_every_metric_that_google_reads_from_it() -> None:
    text = told(("append", APPEND), ("append", {**APPEND, "rows": 4, "append_seconds": 0.31}))
    assert value(text, "exposure_appended_rows_sum", contract="orders") == 7
    assert value(text, "exposure_freshness_seconds_count", contract="orders") == 2
    assert value(text, "exposure_freshness_seconds_bucket", contract="orders", le="0.5") == 2


def test_what_takes_exactly_the_promised_time_is_within_it() -> None:
    text = told(("append", APPEND), ("append", {**APPEND, "append_seconds": 0.301}))
    assert value(text, "exposure_append_seconds_bucket", contract="orders", le="0.3") == 1
    assert value(text, "exposure_append_seconds_bucket", contract="orders", le="+Inf") == 2


def test_a_histogram_has_an_edge_where_its_metric_has_one() -> None:
    counts = Counts()
    for metric in METRICS:
        counts.add(metric, ["x"] * len(metric.labels), 1e9)
    written = samples(exposition(counts))
    for metric in METRICS:
        if metric.kind is Kind.HISTOGRAM:
            edges = [dict(labels)["le"] for name, labels in written if name == f"{metric.name}_bucket"]
            assert [float(edge) for edge in edges] == [*metric.edges, float("inf")]


def test_a_line_without_the_value_counts_only_where_none_is_needed() -> None:
    text = told(("answer", {"contract": "orders", "tier": "memory"}))
    assert value(text, "exposure_answers_total", contract="orders", tier="memory") == 1
    assert value(text, "exposure_billed_bytes_count", contract="orders") is None


def test_a_label_of_any_characters_is_read_back() -> None:
    odd = 'a\\b"c\nd'
    text = told(("quarantine", {"contract": odd, "reason": "NOT_JSON"}))
    assert value(text, "exposure_quarantined_total", contract=odd, reason="NOT_JSON") == 1


def test_a_level_is_told_beside_the_counts() -> None:
    level = Level("exposure_backlog_messages", "{message}", ("contract",), "Waiting.", {("a",): 2})
    text = exposition(Counts(), [level])
    assert value(text, "exposure_backlog_messages", contract="a") == 2


def test_a_line_is_written_and_counted_alike() -> None:
    stream, counts = io.StringIO(), Counts()
    Lines(stream, heard=counts.hear).write("append", **APPEND)
    assert json.loads(stream.getvalue())["rows"] == 3
    assert value(exposition(counts), "exposure_appended_rows_sum", contract="orders") == 3


class Answering:
    """An application that answers with a status after some seconds, or breaks."""

    def __init__(self) -> None:
        self.now = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        status = int(dict(scope["headers"])[b"status"])
        self.now += 0.25
        if not status:
            raise ZeroDivisionError
        start: Message = {"type": "http.response.start", "status": status, "headers": []}
        await send(start)
        await send({"type": "http.response.body", "body": b""})


async def counted(*asked: tuple[str, int]) -> str:
    """Return the page after the paths were answered with the statuses; 0 is an answer that breaks."""
    counts, answering = Counts(), Answering()
    app = CountedRequests(answering, counts, ["orders"], clock=lambda: answering.now)
    for path, status in asked:
        try:
            await call(app, "GET", path, headers={"status": str(status)})
        except ZeroDivisionError:
            assert status == 0
    return exposition(counts)


async def test_requests_are_counted_as_clouds_log_of_them_is_read() -> None:
    asked = [("/v1/orders", 200), ("/v1/orders/1", 304), ("/v1/orders", 503), ("/v1/orders:facets", 0)]
    text = await counted(*asked, ("/v1/orders", 400), ("/v1/orders", 429), ("/health/live", 200))
    assert value(text, "exposure_requests_total", contract="orders") == 4
    assert value(text, "exposure_failures_total", contract="orders") == 2
    assert value(text, "exposure_latency_seconds_count", contract="orders") == 2
    assert value(text, "exposure_latency_seconds_sum", contract="orders") == 0.5


async def test_an_invented_name_becomes_no_series() -> None:
    text = await counted(("/v1/invented", 200), ("/v1/invented", 503), ("/push/invented", 204))
    assert not [key for key in samples(text) if "invented" in str(key)]


async def test_pushes_are_counted_by_what_became_of_them() -> None:
    text = await counted(("/push/orders", 204), ("/push/orders", 503), ("/push/orders", 401))
    assert value(text, "exposure_deliveries_total", contract="orders", result="acknowledged") == 1
    assert value(text, "exposure_deliveries_total", contract="orders", result="left") == 2


@pytest.mark.parametrize(("method", "body"), [("GET", b"x 1\n"), ("HEAD", b"")])
async def test_the_page_is_answered_and_nothing_else(method: str, body: bytes) -> None:
    page = MetricsPage(Answering(), lambda: "x 1\n")
    answer = await call(page, method, "/metrics")
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for path, other in (("/metrics", "POST"), ("/metrics/", "GET")):
        assert (await call(page, other, path, headers={"status": "404"})).status == 404
