"""Every alert, objective and chart reads a metric somebody records, in a way its kind allows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exposure.telemetry import names
from fakes.operations_plan import watch
from fakes.plan_aggregation import Series, combine, steps
from fakes.plan_faults import changed, planted
from fakes.plan_filters import filter_faults, readings
from fakes.plan_monitoring import ALERT, DASHBOARD, LOG_METRIC, SLO, scene
from fakes.plan_promql import known_names, queries, query_faults
from stacks.metrics import BACKLOG, KNOWN, REQUEST_LATENCIES, UPTIME, fits, select, signal_of
from stacks.plan import Recorded, settings_of

MEAN, SHARE, BURN = (f"conditions.{at}.conditionThreshold" for at in range(3))
QUERY = "conditions.3.conditionPrometheusQueryLanguage.query"
CUT = "requestBasedSli.distributionCut.distributionFilter"
SERIES = "dashboardJson!.mosaicLayout.tiles.0.widget.xyChart.dataSets.0.timeSeriesQuery.timeSeriesFilter"
UNKNOWN = 'metric.type = "run.googleapis.com/request_cuont" AND resource.type = "cloud_run_revision"'
OWN_UNKNOWN = UNKNOWN.replace("run.googleapis.com/request_cuont", "logging.googleapis.com/user/exposure_lost")
NO_SUCH_SLO = 'select_slo_burn_rate("projects/1/services/s/serviceLevelObjectives/slow", "3600s")'
TOO_LONG = 'select_slo_burn_rate("projects/1/services/s/serviceLevelObjectives/fast", "259200s")'
LOGGED, POOL = "logging_googleapis_com:user_exposure", '{monitored_resource="cloud_run_worker_pool"}'


@pytest.fixture(scope="module", params=["dev", "prod"])
def watched(request: pytest.FixtureRequest) -> list[Recorded]:
    """What watches each environment."""
    return watch(settings_of(request.param))


def test_every_filter_reads_a_known_metric_in_a_way_its_kind_allows(watched: list[Recorded]) -> None:
    assert filter_faults(watched) == []
    read = {one.where.split(" ")[0] for one in readings(watched)}
    assert read == {ALERT, SLO, DASHBOARD}


def test_every_query_names_known_metrics_and_labels(watched: list[Recorded]) -> None:
    assert query_faults(watched) == []
    assert list(queries(watched))


def test_whole_plans_read_only_what_is_known(plan: list[Recorded]) -> None:
    assert filter_faults(plan) == []
    assert query_faults(plan) == []


def test_the_sound_scene_has_no_fault_of_its_own() -> None:
    assert filter_faults(scene()) == []
    assert query_faults(scene()) == []


@pytest.mark.parametrize(
    ("kind", "path", "value", "fault"),
    [
        (ALERT, f"{MEAN}.filter", UNKNOWN, "request_cuont is no metric anybody knows"),
        (ALERT, f"{MEAN}.filter", OWN_UNKNOWN, "user/exposure_lost is no metric anybody knows"),
        (ALERT, f"{MEAN}.filter", 'resource.type = "global"', "names 0 metrics"),
        (ALERT, f"{SHARE}.denominatorFilter", UNKNOWN, "is no metric anybody knows"),
        (SLO, CUT, UNKNOWN, "is no metric anybody knows"),
        (DASHBOARD, f"{SERIES}.filter", UNKNOWN, "is no metric anybody knows"),
        (ALERT, f"{MEAN}.filter", select(BACKLOG), "ALIGN_DELTA does not fit GAUGE INT64"),
        (ALERT, f"{MEAN}.aggregations.0.perSeriesAligner", "ALIGN_MEAN", "does not fit DELTA DISTRIBUTION"),
        (ALERT, f"{MEAN}.aggregations.0.perSeriesAligner", "ALIGN_RATE", "does not fit DELTA DISTRIBUTION"),
        (ALERT, f"{MEAN}.aggregations.0.crossSeriesReducer", "REDUCE_MAX", "does not fit DELTA DISTRIBUTION"),
        (ALERT, f"{MEAN}.aggregations.0.crossSeriesReducer", "REDUCE_SUM", "compared as DISTRIBUTION"),
        (ALERT, f"{MEAN}.aggregations.0.perSeriesAligner", "ALIGN_NONE", "REDUCE_MEAN needs an aligner"),
        (ALERT, f"{MEAN}.aggregations", [], "compared as DISTRIBUTION, which is no number"),
        (ALERT, f"{SHARE}.aggregations.0.alignmentPeriod", "60s", "halves of a share differ in alignmentP"),
        (ALERT, f"{SHARE}.aggregations.0.groupByFields", [], "halves of a share differ in groupByFields"),
        (DASHBOARD, f"{SERIES}.aggregation.perSeriesAligner", "ALIGN_RATE", "does not fit GAUGE INT64"),
        (ALERT, f"{MEAN}.aggregations.0.groupByFields", ["metric.labels.servise"], "no metric label servise"),
        (ALERT, f"{MEAN}.aggregations.0.groupByFields", ["resource.labels.host"], "no resource label host"),
        (SLO, CUT, select(BACKLOG), "GAUGE INT64, which no such indicator takes"),
        (SLO, CUT, select(signal_of(names.FRESHNESS)), "exposure_freshness_seconds is declared by nobody"),
        (LOG_METRIC, "metricDescriptor.valueType", "INT64", "is declared DELTA INT64"),
        (ALERT, f"{BURN}.filter", NO_SUCH_SLO, "slow is no objective of the plan"),
        (ALERT, f"{BURN}.filter", TOO_LONG, "259200 s is further back"),
        (ALERT, f"{BURN}.filter", 'select_slo_burn("x")', "x is no objective"),
        (ALERT, f"{BURN}.filter", "select_slo_burn_rate(x)", "asks nothing of an objective"),
        (ALERT, f"{BURN}.thresholdValue", 20.0, "no failure burns fast at 20.0"),
    ],
)
def test_a_reading_nobody_could_answer_is_refused(kind: str, path: str, value: Any, fault: str) -> None:
    faults = filter_faults(planted(scene(), kind, "sound", path, value))
    assert len(faults) == 1
    assert fault in faults[0]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("sum(exposure_canaries_total)", "exposure_canaries_total is no metric anybody knows"),
        (f"sum({LOGGED}_canary_total{POOL})", "user_exposure_canary_total is no metric anybody knows"),
        (f'sum({LOGGED}_canaries_total{POOL[:-1]}, contrac="orders"}})', "has no label contrac"),
        (f"sum({LOGGED}_canary_seconds{POOL})", "user_exposure_canary_seconds is no metric anybody knows"),
        (f"sum({LOGGED}_canaries_total)", "is asked for from no resource"),
        (f"sum({LOGGED}_answers_total{POOL})", "is never logged by cloud_run_worker_pool"),
        ("sum(run_googleapis_com:request_cuont)", "run_googleapis_com:request_cuont is no metric"),
        ("vector(1)", "names no metric"),
    ],
)
def test_a_query_of_what_nobody_records_is_refused(query: str, fault: str) -> None:
    faults = query_faults(planted(scene(), ALERT, "sound", QUERY, query))
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_resource_type_a_metric_does_not_belong_to_is_refused() -> None:
    elsewhere = select(BACKLOG).replace("pubsub_subscription", "pubsub_topic")
    faults = filter_faults(planted(scene(), DASHBOARD, "sound", f"{SERIES}.filter", elsewhere))
    assert "belongs to pubsub_subscription, not to pubsub_topic" in faults[0]


def test_a_metric_of_ours_that_names_does_not_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "METRICS", ())
    assert any("exposure_latency_seconds is recorded by nobody" in fault for fault in filter_faults(scene()))


@pytest.mark.parametrize("field", ["perSeriesAligner", "crossSeriesReducer"])
def test_google_says_of_every_step_what_it_takes(field: str) -> None:
    for name, step in steps(field).items():
        is_open = name in {"ALIGN_NONE", "REDUCE_NONE"}
        assert is_open == (len(step.kinds) == 3), name
        assert step.values, name


@pytest.mark.parametrize(
    ("series", "aligner", "reducer", "made"),
    [
        (Series("DELTA", "DISTRIBUTION"), "ALIGN_DELTA", "REDUCE_PERCENTILE_95", Series("DELTA", "DOUBLE")),
        (Series("DELTA", "DISTRIBUTION"), "ALIGN_DELTA", "REDUCE_SUM", Series("DELTA", "DISTRIBUTION")),
        (Series("CUMULATIVE", "INT64"), "ALIGN_RATE", "REDUCE_SUM", Series("GAUGE", "DOUBLE")),
        (Series("GAUGE", "INT64"), "ALIGN_MEAN", "REDUCE_MAX", Series("GAUGE", "DOUBLE")),
        (Series("GAUGE", "BOOL"), "ALIGN_NEXT_OLDER", "REDUCE_COUNT_FALSE", Series("GAUGE", "INT64")),
    ],
)
def test_steps_make_of_a_series_what_google_says(
    series: Series, aligner: str, reducer: str, made: Series
) -> None:
    assert combine(series, {"perSeriesAligner": aligner, "crossSeriesReducer": reducer}) == (made, [])


def test_what_the_stacks_take_to_fit_google_says_fits_as_well() -> None:
    for signal in KNOWN.values():
        for aligner in steps("perSeriesAligner"):
            for reducer in steps("crossSeriesReducer"):
                made = {"perSeriesAligner": aligner, "crossSeriesReducer": reducer}
                if fits(signal, aligner, reducer):
                    assert combine(Series(signal.kind, signal.value), made)[1] == [], (signal.type, made)


def test_a_log_panel_and_an_annotation_are_no_readings_of_metrics() -> None:
    board = next(one for one in scene() if one.type == DASHBOARD)
    document = json.loads(board.inputs["dashboardJson"])
    document["mosaicLayout"]["tiles"][0]["widget"] = {"logsPanel": {"filter": "severity>=ERROR"}}
    assert list(readings([changed(board, "dashboardJson", json.dumps(document))])) == []


def test_promql_knows_a_distribution_by_its_endings_only() -> None:
    known = known_names()
    assert f"{LOGGED}_append_seconds_bucket" in known
    assert f"{LOGGED}_append_seconds" not in known
    assert names.FRESHNESS.promql + "_sum" in known
    assert names.ANSWERS.promql in known
    assert "run_googleapis_com:request_latencies_sum" in known
    assert KNOWN[REQUEST_LATENCIES.type].value == "DISTRIBUTION"
    assert UPTIME.type in KNOWN
