"""What is read is known, and combined as its kind allows; what is not is refused or found."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exposure.telemetry import names
from exposure.telemetry.names import METRICS, Kind
from fakes.operations_plan import ALERT, changed, of_type, watch
from fakes.plan_filters import filter_faults, readings
from fakes.plan_promql import queries, query_faults
from stacks.alert_policy import Sample
from stacks.metrics import (
    KNOWN,
    OLDEST_UNACKED,
    REQUEST_COUNT,
    REQUEST_LATENCIES,
    REVISION,
    UPTIME,
    WORKER_POOL,
    Not,
    Signal,
    fits,
    promql,
    select,
    signal_of,
)
from stacks.plan import Recorded, settings_of


@pytest.fixture(scope="module")
def plan() -> list[Recorded]:
    return watch(changed("prod", canary=True))


def test_every_filter_and_query_reads_a_metric_there_is_in_a_way_that_fits_it(plan: list[Recorded]) -> None:
    assert filter_faults(plan) == []
    assert query_faults(plan) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("request_latencies", "request_latency"),
        ("ALIGN_DELTA", "ALIGN_MEAN"),
        ("cloud_run_revision", "cloud_run_job"),
        ("service_name", "service"),
    ],
)
def test_a_filter_that_nothing_could_answer_is_found(right: str, wrong: str) -> None:
    plan = watch(settings_of("prod"))
    (condition,) = of_type(plan, ALERT)["mean-latency"].inputs["conditions"]
    threshold = condition["conditionThreshold"]
    threshold["filter"] = threshold["filter"].replace(right, wrong)
    threshold["aggregations"][0]["perSeriesAligner"] = threshold["aggregations"][0][
        "perSeriesAligner"
    ].replace(right, wrong)
    assert filter_faults(plan)


def test_a_query_takes_rates_of_what_the_logs_counted_and_nothing_bare(plan: list[Recorded]) -> None:
    asked = dict(queries(plan))
    assert asked
    for where, query in asked.items():
        bare = re.sub(r"(?:rate|increase)\([^)]*\[\d+m\]\)", "", query)
        assert "exposure_" not in bare, where


def test_every_metric_is_read_by_an_alert_an_objective_or_a_chart(plan: list[Recorded]) -> None:
    asked = " ".join([query for _, query in queries(plan)] + [one.filter for one in readings(plan)])
    for metric in METRICS:
        assert re.search(rf"user[/_]{metric.name}\b|user_{metric.name}_(sum|count|bucket)\b", asked), (
            metric.name
        )


@pytest.mark.parametrize(
    ("sample", "refusal"),
    [
        ({"signal": REQUEST_LATENCIES, "aligner": "ALIGN_MEAN", "reducer": "REDUCE_MAX"}, "do not fit"),
        ({"signal": REQUEST_LATENCIES, "aligner": "ALIGN_RATE", "reducer": "REDUCE_SUM"}, "do not fit"),
        ({"signal": OLDEST_UNACKED, "aligner": "ALIGN_DELTA", "reducer": "REDUCE_SUM"}, "do not fit"),
        ({"signal": REQUEST_COUNT, "aligner": "ALIGN_NEXT_OLDER", "reducer": "REDUCE_SUM"}, "do not fit"),
        ({"signal": UPTIME, "aligner": "ALIGN_NEXT_OLDER", "reducer": "REDUCE_MEAN"}, "do not fit"),
        ({"signal": REQUEST_COUNT, "aligner": "ALIGN_TYPO", "reducer": "REDUCE_SUM"}, "do not fit"),
        ({"signal": REQUEST_COUNT, "aligner": "ALIGN_RATE", "reducer": "REDUCE_TYPO"}, "do not fit"),
    ],
)
def test_a_combination_that_does_not_fit_its_signal_is_refused(sample: Any, refusal: str) -> None:
    with pytest.raises(ValueError, match=refusal):
        Sample(**sample)


def test_a_metric_or_label_that_is_not_known_is_refused() -> None:
    with pytest.raises(LookupError, match="is no metric known here"):
        select(Signal("run.googleapis.com/request_counts", "cloud_run_revision", "DELTA", "INT64", "1"))
    with pytest.raises(LookupError, match="has no label servce_name"):
        select(REQUEST_COUNT, servce_name="api")
    with pytest.raises(LookupError, match="has no label tier"):
        promql(names.QUARANTINED, tier="cache")
    with pytest.raises(LookupError, match="cannot end with ''"):
        promql(names.FRESHNESS)
    with pytest.raises(LookupError, match="cannot end with '_sum'"):
        promql(names.QUARANTINED, "_sum")
    assert promql(names.CANARIES, result=Not("visible")) == (
        'logging_googleapis_com:user_exposure_canaries_total{monitored_resource="cloud_run_worker_pool", '
        'result!="visible"}'
    )


def test_a_metric_is_read_only_from_where_its_lines_are_logged() -> None:
    assert signal_of(names.FRESHNESS).resource == REVISION
    assert signal_of(names.FRESHNESS, WORKER_POOL).resource == WORKER_POOL
    assert signal_of(names.UNACCOUNTED).resource == WORKER_POOL
    for metric, resource in (
        (names.ANSWERS, WORKER_POOL),
        (names.CANARIES, REVISION),
        (names.LATENCY, WORKER_POOL),
    ):
        with pytest.raises(LookupError, match=f"{metric.name} is not logged by {resource}"):
            signal_of(metric, resource)
        with pytest.raises(LookupError, match=f"is not logged by {resource}"):
            promql(metric, "" if metric.kind is Kind.COUNTER else "_sum", resource)


def test_every_metric_of_the_platforms_own_is_known_with_the_kind_the_logs_make_of_it() -> None:
    for metric in METRICS:
        signal = KNOWN[metric.type]
        assert signal == signal_of(metric)
        assert fits(signal, "ALIGN_DELTA", None)
