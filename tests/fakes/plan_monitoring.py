"""A sound alert, objective, log metric and dashboard, to plant faults in."""

from __future__ import annotations

import json
from typing import Any

from exposure.telemetry import names
from fakes.plan_faults import recorded
from stacks.metrics import BACKLOG, REQUEST_COUNT, REQUEST_LATENCIES, promql, select, signal_of
from stacks.plan import Recorded

ALERT, SLO = "gcp:monitoring/alertPolicy:AlertPolicy", "gcp:monitoring/slo:Slo"
DASHBOARD, LOG_METRIC = "gcp:monitoring/dashboard:Dashboard", "gcp:logging/metric:Metric"


def _aggregation(aligner: str, reducer: str, *groups: str) -> dict[str, Any]:
    return {
        "alignmentPeriod": "300s",
        "perSeriesAligner": aligner,
        "crossSeriesReducer": reducer,
        "groupByFields": list(groups),
    }


def alert() -> Recorded:
    """Return an alert on mean latency, on a share of errors, on a burning budget and on a query."""
    share = {
        "filter": select(REQUEST_COUNT, service_name="api", response_code_class="5xx"),
        "aggregations": [_aggregation("ALIGN_RATE", "REDUCE_SUM", "resource.labels.service_name")],
        "denominatorFilter": select(REQUEST_COUNT, service_name="api"),
        "denominatorAggregations": [_aggregation("ALIGN_RATE", "REDUCE_SUM", "resource.labels.service_name")],
    }
    mean = {
        "filter": select(REQUEST_LATENCIES, service_name="api"),
        "aggregations": [_aggregation("ALIGN_DELTA", "REDUCE_MEAN")],
    }
    burn = {"filter": 'select_slo_burn_rate("projects/1/services/s/serviceLevelObjectives/fast", "3600s")'}
    compared = {"comparison": "COMPARISON_GT", "duration": "0s", "thresholdValue": 0.01}
    query = f"sum(increase({promql(names.CANARIES, contract='orders')}[10m])) > 0"
    conditions: list[dict[str, Any]] = [
        {"displayName": "mean", "conditionThreshold": {**compared, **mean}},
        {"displayName": "share", "conditionThreshold": {**compared, **share}},
        {"displayName": "burn", "conditionThreshold": {**compared, **burn}},
        {"displayName": "query", "conditionPrometheusQueryLanguage": {"query": query, "duration": "60s"}},
    ]
    inputs = {"displayName": "a", "combiner": "OR", "severity": "WARNING", "conditions": conditions}
    return recorded(ALERT, "sound", inputs)


def objective() -> Recorded:
    """Return an objective on answers within a bound."""
    cut = {"distributionFilter": select(signal_of(names.LATENCY), contract="orders"), "range": {"max": 0.3}}
    inputs = {
        "service": "orders",
        "sloId": "fast",
        "goal": 0.95,
        "rollingPeriodDays": 28,
        "requestBasedSli": {"distributionCut": cut},
    }
    return recorded(SLO, "sound", inputs)


def log_metric() -> Recorded:
    """Return the declaration of the metric the objective stands on."""
    described = {"metricKind": "DELTA", "valueType": "DISTRIBUTION", "unit": "s"}
    inputs = {"name": names.LATENCY.name, "filter": "severity>=ERROR", "metricDescriptor": described}
    return recorded(LOG_METRIC, "sound", inputs)


def dashboard() -> Recorded:
    """Return a dashboard of one chart with two series: by filter and by query."""
    series = [
        {
            "plotType": "LINE",
            "timeSeriesQuery": {
                "timeSeriesFilter": {
                    "filter": select(BACKLOG, subscription_id="orders-topic-push"),
                    "aggregation": _aggregation("ALIGN_MAX", "REDUCE_SUM"),
                }
            },
        },
        {"timeSeriesQuery": {"prometheusQuery": f"sum({promql(names.LATENCY, '_count')})"}},
    ]
    tile = {"width": 24, "height": 16, "widget": {"title": "t", "xyChart": {"dataSets": series}}}
    board = {"displayName": "d", "mosaicLayout": {"columns": 48, "tiles": [tile]}}
    return recorded(DASHBOARD, "sound", {"dashboardJson": json.dumps(board)})


def scene() -> list[Recorded]:
    """Return all four."""
    return [alert(), objective(), log_metric(), dashboard()]
