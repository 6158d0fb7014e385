"""What a plan reads from Cloud Monitoring: every filter and query of an alert, an objective or a dashboard.

A reading is judged by what is known of its metric: that there is one, its labels, and whether what is done to
its series fits their kind. What the stacks know is `stacks.metrics`; what fits is read from Google.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exposure.telemetry import names
from fakes.plan_aggregation import NUMBERS, Series, combine
from stacks.metrics import KNOWN, SIGNALS, Signal
from stacks.plan import Recorded

_ALERT = "gcp:monitoring/alertPolicy:AlertPolicy"
_SLO = "gcp:monitoring/slo:Slo"
_DASHBOARD = "gcp:monitoring/dashboard:Dashboard"
_LOG_METRIC = "gcp:logging/metric:Metric"
_LOGGED = "logging.googleapis.com/user/"

_METRIC = re.compile(r'metric\.type\s*=\s*"([^"]+)"')
_RESOURCE = re.compile(r'resource\.type\s*=\s*"([^"]+)"')
_LABEL = re.compile(r"(metric|resource)\.labels?\.(\w+)")
# What an objective is asked, its name, and how far back.
_OBJECTIVE = re.compile(r'select_slo_(\w+)\("([^"]+)"(?:,\s*"(\d+)s")?\)')
# https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies: it looks back no further.
_LONGEST_LOOK_BACK = 86_400
# https://cloud.google.com/monitoring/api/resources
_RESOURCE_LABELS = {
    "cloud_run_revision": {"project_id", "service_name", "revision_name", "location", "configuration_name"},
    "cloud_run_worker_pool": {"project_id", "worker_pool_name", "revision_name", "location"},
    "cloud_run_job": {"project_id", "job_name", "location"},
    "pubsub_subscription": {"project_id", "subscription_id"},
    "pubsub_topic": {"project_id", "topic_id"},
    "bigquery_dataset": {"project_id", "dataset_id"},
    "bigquery_project": {"project_id", "location"},
    "uptime_url": {"project_id", "host"},
    "global": {"project_id"},
}
_FLOWS = frozenset({"DELTA", "CUMULATIVE"})
# What an indicator takes, by the property its filter is in.
# https://cloud.google.com/monitoring/api/ref_v3/rest/v3/services.serviceLevelObjectives
_INDICATORS = {
    "goodServiceFilter": (_FLOWS, NUMBERS),
    "badServiceFilter": (_FLOWS, NUMBERS),
    "totalServiceFilter": (_FLOWS, NUMBERS),
    "distributionFilter": (_FLOWS, frozenset({"DISTRIBUTION"})),
    "timeSeries": (frozenset({"GAUGE"}), NUMBERS),
    "goodBadMetricFilter": (frozenset({"GAUGE"}), frozenset({"BOOL"})),
}


@dataclass(frozen=True)
class Reading:
    """One filter, where it stands, and what is done to its series.

    `limit` is an alert's, which holds one number against it; `takes` is an objective's indicator: kinds, then
    values.
    """

    where: str
    filter: str
    aggregations: tuple[Mapping[str, Any], ...] = ()
    limit: float | None = None
    takes: tuple[frozenset[str], frozenset[str]] | None = None


def filter_faults(plan: Sequence[Recorded]) -> list[str]:
    """Return one sentence per filter of a plan that Cloud Monitoring, or nobody, could answer."""
    faults = [f"{one.where}: {fault}" for one in readings(plan) for fault in _faults(one, plan)]
    return faults + [fault for one in plan if one.type == _ALERT for fault in _unequal_shares(one)]


def readings(plan: Sequence[Recorded]) -> Iterator[Reading]:
    """Return every filter of a plan that selects a metric's series."""
    for one in plan:
        if one.type == _ALERT:
            yield from _of_alert(one)
        elif one.type == _SLO:
            yield from _of_objective(one.inputs, f"{_SLO} {one.name}")
        elif one.type == _DASHBOARD:
            yield from _of_chart(json.loads(one.inputs["dashboardJson"]), f"{_DASHBOARD} {one.name}")


def _of_alert(one: Recorded) -> Iterator[Reading]:
    for at, condition in enumerate(one.inputs["conditions"]):
        where = f"{_ALERT} {one.name} conditions[{at}]"
        for kind in ("conditionThreshold", "conditionAbsent"):
            compared = condition.get(kind, {})
            limit = compared.get("thresholdValue", 0) if kind == "conditionThreshold" else None
            for text, done in (("filter", "aggregations"), ("denominatorFilter", "denominatorAggregations")):
                if text in compared:
                    yield Reading(where, compared[text], tuple(compared.get(done, ())), limit)


def _unequal_shares(one: Recorded) -> Iterator[str]:
    """Return a sentence per ratio whose two halves are not cut into the same periods and groups."""
    for at, condition in enumerate(one.inputs["conditions"]):
        compared = condition.get("conditionThreshold", {})
        for field in ("alignmentPeriod", "groupByFields"):
            halves = [
                [done.get(field) or [] for done in compared.get(name, ())]
                for name in ("aggregations", "denominatorAggregations")
            ]
            if "denominatorFilter" in compared and halves[0] != halves[1]:
                yield f"{_ALERT} {one.name} conditions[{at}]: the halves of a share differ in {field}"


def _of_objective(value: Any, where: str) -> Iterator[Reading]:
    for name, inner in _members(value):
        if name in _INDICATORS and isinstance(inner, str):
            yield Reading(f"{where} {name}", inner, takes=_INDICATORS[name])
        else:
            yield from _of_objective(inner, where)


def _of_chart(value: Any, where: str) -> Iterator[Reading]:
    """Return the filters of time series; a log panel's and an annotation's are of logs."""
    for name, inner in _members(value):
        if name in {"timeSeriesFilter", "numerator", "denominator"}:
            done = [inner[key] for key in ("aggregation", "secondaryAggregation") if key in inner]
            yield Reading(where, inner["filter"], tuple(done))
        else:
            yield from _of_chart(inner, where)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from (("", inner) for inner in value)


def _faults(one: Reading, plan: Sequence[Recorded]) -> Iterator[str]:
    if one.filter.startswith("select_slo"):
        yield from _of_budget(one, plan)
        return
    types = _METRIC.findall(one.filter)
    if len(types) != 1:
        yield f"{one.filter!r} names {len(types)} metrics"
    elif types[0] not in KNOWN:
        yield f"{types[0]} is no metric anybody knows"
    else:
        signal = _signal(types[0], _RESOURCE.findall(one.filter))
        yield from _of_names(signal, plan)
        yield from _of_labels(one, signal)
        yield from _of_series(one, signal)


def _signal(kind: str, resources: list[str]) -> Signal:
    """Return the metric as the resource asked for has it, or as it usually is."""
    fitting = [one for one in SIGNALS if one.type == kind and [one.resource] == resources]
    return fitting[0] if fitting else KNOWN[kind]


def _of_names(signal: Signal, plan: Sequence[Recorded]) -> Iterator[str]:
    """Judge that a metric of the platform's own is one it records and declares."""
    if not signal.type.startswith(_LOGGED):
        return
    declared = {one.inputs["name"]: one.inputs["metricDescriptor"] for one in plan if one.type == _LOG_METRIC}
    described = declared.get(signal.type.removeprefix(_LOGGED))
    if signal.type not in {metric.type for metric in names.METRICS}:
        yield f"{signal.type} is recorded by nobody"
    elif described is None:
        yield f"{signal.type} is declared by nobody"
    elif (described["metricKind"], described["valueType"]) != (signal.kind, signal.value):
        yield f"{signal.type} is declared {described['metricKind']} {described['valueType']}"


def _of_labels(one: Reading, signal: Signal) -> Iterator[str]:
    resources = _RESOURCE.findall(one.filter)
    if resources != [signal.resource]:
        yield f"{signal.type} belongs to {signal.resource}, not to {' and '.join(resources) or 'anything'}"
    grouped = [by for done in one.aggregations for by in done.get("groupByFields", ())]
    known = {"metric": set(signal.labels), "resource": _RESOURCE_LABELS.get(signal.resource, set())}
    for owner, label in _LABEL.findall(" ".join([one.filter, *grouped])):
        if label not in known[owner]:
            yield f"{signal.type} has no {owner} label {label}"


def _of_series(one: Reading, signal: Signal) -> Iterator[str]:
    series = Series(signal.kind, signal.value)
    for aggregation in one.aggregations:
        series, faults = combine(series, aggregation)
        yield from (f"{fault} {signal.type}" for fault in faults)
        if faults:
            return
    if one.takes is not None and not (series.kind in one.takes[0] and series.value in one.takes[1]):
        yield f"{signal.type} is {series.kind} {series.value}, which no such indicator takes"
    if one.limit is not None and series.value not in NUMBERS:
        yield f"{signal.type} is compared as {series.value}, which is no number"


def _of_budget(one: Reading, plan: Sequence[Recorded]) -> Iterator[str]:
    """Judge what is asked of an objective: that there is one, and that its budget can burn so."""
    found = _OBJECTIVE.fullmatch(one.filter)
    if found is None:
        yield f"{one.filter!r} asks nothing of an objective"
        return
    goals = {each.inputs["sloId"]: each.inputs["goal"] for each in plan if each.type == _SLO}
    asked, objective, seconds = found[1], found[2].rsplit("/", 1)[-1], found[3]
    if objective not in goals:
        yield f"{objective} is no objective of the plan"
    elif asked == "burn_rate" and one.limit is not None and one.limit >= 1 / (1 - goals[objective]):
        yield f"no failure burns {objective} at {one.limit}"
    if (asked == "burn_rate") != (seconds is not None):
        yield f"{one.filter!r} looks back, or does not, as {asked} cannot"
    elif seconds is not None and int(seconds) > _LONGEST_LOOK_BACK:
        yield f"{seconds} s is further back than Cloud Monitoring looks"
