"""What Cloud Monitoring reads from logs is what the names promise, taken from where the logs have it."""

from __future__ import annotations

import re

import pytest

from exposure.telemetry.names import (
    ANSWERS,
    FAILURES,
    FRESHNESS,
    LATENCY,
    METRICS,
    REQUESTS,
    UNACCOUNTED,
    Kind,
)
from fakes.operations_plan import API_URI, LOG_METRIC, of_type, watch
from stacks.log_metrics import CONTRACT_IN_URL, PATH_OF_ROWS, SECONDS_OF_LATENCY
from stacks.plan import Recorded, settings_of


@pytest.fixture(scope="module")
def plan() -> list[Recorded]:
    return watch(settings_of("prod"))


def test_every_metric_is_declared_with_its_labels_and_buckets(plan: list[Recorded]) -> None:
    declared = of_type(plan, LOG_METRIC)
    logged = {metric.name: metric for metric in METRICS}
    assert declared.keys() == logged.keys()
    for name, metric in logged.items():
        inputs = declared[name].inputs
        assert inputs["labelExtractors"].keys() == set(metric.labels)
        assert [label["key"] for label in inputs["metricDescriptor"]["labels"]] == list(metric.labels)
        assert ("valueExtractor" in inputs) == ("bucketOptions" in inputs) == (metric.kind is Kind.HISTOGRAM)
        if metric.kind is Kind.HISTOGRAM:
            assert inputs["bucketOptions"]["explicitBuckets"]["bounds"] == list(metric.edges)


@pytest.mark.parametrize(
    ("url", "contract"),
    [
        (f"{API_URI}/v1/orders", "orders"),
        (f"{API_URI}/v1/orders/ord-1", "orders"),
        (f"{API_URI}/v1/analytics_table?timestamp.gte=2026-01-01T00:00:00Z&x=/v1/orders", "analytics_table"),
        (f"{API_URI}/v1/orders:schema", "orders"),
    ],
)
def test_the_contract_of_a_request_is_read_from_its_path(url: str, contract: str) -> None:
    found = re.fullmatch(CONTRACT_IN_URL, url)
    assert found
    assert found[1] == contract
    assert re.search(PATH_OF_ROWS, url)


@pytest.mark.parametrize("path", ["/v1", "/health/ready", "/docs", "/openapi.json", "/x/v1/orders"])
def test_what_asks_for_no_contract_is_no_request_for_rows(path: str) -> None:
    assert not re.search(PATH_OF_ROWS, API_URI + path)


def test_a_latency_is_read_from_how_the_log_writes_it() -> None:
    for text in ("0.123456789s", "0.123456789"):
        found = re.search(SECONDS_OF_LATENCY, text)
        assert found
        assert float(found[1]) == 0.123456789


def test_requests_are_what_was_answered_or_should_have_been_and_failures_are_among_them(
    plan: list[Recorded],
) -> None:
    declared = of_type(plan, LOG_METRIC)
    rows = (
        'resource.type="cloud_run_revision" AND log_id("run.googleapis.com/requests") '
        'AND resource.labels.service_name="api" AND httpRequest.requestUrl=~"^https?://[^/]+/v1/[a-z]"'
    )
    failed = '(httpRequest.status>=500 OR textPayload:"no available instance")'
    assert declared[REQUESTS.name].inputs["filter"] == f"{rows} AND (httpRequest.status<400 OR {failed})"
    assert declared[FAILURES.name].inputs["filter"] == f"{rows} AND {failed}"
    assert declared[LATENCY.name].inputs["filter"] == f"{rows} AND httpRequest.status<400"


def test_a_line_is_found_by_its_event_and_read_by_its_fields(plan: list[Recorded]) -> None:
    declared = of_type(plan, LOG_METRIC)
    stdout = 'log_id("run.googleapis.com/stdout") AND jsonPayload.event='
    freshness = declared[FRESHNESS.name].inputs
    assert freshness["filter"] == (
        f'resource.type=("cloud_run_revision" OR "cloud_run_worker_pool") AND {stdout}"append"'
    )
    assert freshness["valueExtractor"] == "EXTRACT(jsonPayload.freshness_seconds)"
    assert freshness["labelExtractors"] == {"contract": "EXTRACT(jsonPayload.contract)"}
    answers = declared[ANSWERS.name].inputs
    assert answers["filter"] == f'resource.type=("cloud_run_revision") AND {stdout}"answer"'
    unaccounted = declared[UNACCOUNTED.name].inputs
    assert unaccounted["filter"] == f'resource.type=("cloud_run_worker_pool") AND {stdout}"unaccounted"'
    assert unaccounted["valueExtractor"] == "EXTRACT(jsonPayload.messages)"
