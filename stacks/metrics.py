"""Every metric a chart, an alert or an objective may read, and how it is selected and combined.

Google's are listed here with kind, value and labels; the platform's own come from `telemetry.names`. A metric
or a label that is not known raises LookupError, so a misspelt filter never reaches Google. What is worth an
alert is not decided here.

Sources: https://cloud.google.com/monitoring/api/metrics_gcp and
https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#Aggregation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exposure.telemetry import names
from stacks.config import Settings

# Where the services run, and where ingest does when it pulls, and the canary.
REVISION, WORKER_POOL = "cloud_run_revision", "cloud_run_worker_pool"
_RESOURCE_LABELS = {
    WORKER_POOL: ("worker_pool_name", "revision_name", "location"),
    REVISION: ("service_name", "revision_name", "location", "configuration_name"),
    "pubsub_subscription": ("subscription_id",),
    "pubsub_topic": ("topic_id",),
    "uptime_url": ("host",),
    "global": (),
}
# What each aligner takes: kinds, then values. Numbers are INT64 and DOUBLE.
_NUMBERS = frozenset({"INT64", "DOUBLE"})
_DISTRIBUTIONS = frozenset({"DISTRIBUTION"})
_FLOWS, _SAMPLES = frozenset({"DELTA", "CUMULATIVE"}), frozenset({"GAUGE", "DELTA"})
_ALIGNERS = {
    "ALIGN_DELTA": (_FLOWS, _NUMBERS | _DISTRIBUTIONS),
    "ALIGN_RATE": (_FLOWS, _NUMBERS),
    "ALIGN_MEAN": (_SAMPLES, _NUMBERS),
    "ALIGN_MAX": (_SAMPLES, _NUMBERS),
    "ALIGN_NEXT_OLDER": (frozenset({"GAUGE"}), _NUMBERS | _DISTRIBUTIONS | {"BOOL"}),
}
_REDUCERS = {
    "REDUCE_SUM": _NUMBERS | _DISTRIBUTIONS,
    "REDUCE_MAX": _NUMBERS,
    "REDUCE_MEAN": _NUMBERS | _DISTRIBUTIONS,
    "REDUCE_PERCENTILE_50": _NUMBERS | _DISTRIBUTIONS,
    "REDUCE_PERCENTILE_95": _NUMBERS | _DISTRIBUTIONS,
    "REDUCE_PERCENTILE_99": _NUMBERS | _DISTRIBUTIONS,
    "REDUCE_COUNT_FALSE": frozenset({"BOOL"}),
}


@dataclass(frozen=True)
class Signal:
    """One metric as Cloud Monitoring keeps it; `kind`, `value` and `resource` are its own words."""

    type: str
    resource: str
    kind: str
    value: str
    unit: str
    labels: tuple[str, ...] = ()


_RUN, _PUBSUB = "run.googleapis.com", "pubsub.googleapis.com"
_SUBSCRIPTION, _TOPIC = "pubsub_subscription", "pubsub_topic"
_RESPONSE = ("response_code", "response_code_class")
REQUEST_COUNT = Signal(f"{_RUN}/request_count", REVISION, "DELTA", "INT64", "1", _RESPONSE)
REQUEST_LATENCIES = Signal(f"{_RUN}/request_latencies", REVISION, "DELTA", "DISTRIBUTION", "ms", _RESPONSE)
INSTANCE_COUNT = Signal(f"{_RUN}/container/instance_count", REVISION, "GAUGE", "INT64", "1", ("state",))
INSTANCE_TIME = Signal(f"{_RUN}/container/billable_instance_time", REVISION, "DELTA", "DOUBLE", "s")
OLDEST_UNACKED = Signal(
    f"{_PUBSUB}/subscription/oldest_unacked_message_age", _SUBSCRIPTION, "GAUGE", "INT64", "s"
)
BACKLOG = Signal(f"{_PUBSUB}/subscription/num_undelivered_messages", _SUBSCRIPTION, "GAUGE", "INT64", "1")
# Counted on the subscription that gave up, not on the topic the letters go to.
DEAD_LETTERS = Signal(
    f"{_PUBSUB}/subscription/dead_letter_message_count", _SUBSCRIPTION, "DELTA", "INT64", "1"
)
PUSHES = Signal(
    f"{_PUBSUB}/subscription/push_request_count",
    _SUBSCRIPTION, "DELTA", "INT64", "1", ("response_class", "response_code"),
)  # fmt: skip
PUBLISHED = Signal(
    f"{_PUBSUB}/topic/send_message_operation_count", _TOPIC, "DELTA", "INT64", "1", ("response_code",)
)
TOPIC_BYTES = Signal(f"{_PUBSUB}/topic/byte_cost", _TOPIC, "DELTA", "INT64", "By", ("operation_type",))
# Known up to six hours late, and not per dataset.
SCANNED_BYTES = Signal(
    "bigquery.googleapis.com/query/scanned_bytes_billed", "global", "DELTA", "INT64", "By", ("priority",)
)
LOG_BYTES = Signal(
    "logging.googleapis.com/billing/bytes_ingested", "global", "DELTA", "INT64", "By", ("resource_type",)
)
UPTIME = Signal(
    "monitoring.googleapis.com/uptime_check/check_passed",
    "uptime_url", "GAUGE", "BOOL", "1", ("check_id", "checker_location"),
)  # fmt: skip
GOOGLE = (
    REQUEST_COUNT, REQUEST_LATENCIES, INSTANCE_COUNT, INSTANCE_TIME, OLDEST_UNACKED, BACKLOG, DEAD_LETTERS,
    PUSHES, PUBLISHED, TOPIC_BYTES, SCANNED_BYTES, LOG_BYTES, UPTIME,
)  # fmt: skip

_VALUES = {names.Kind.COUNTER: "INT64", names.Kind.HISTOGRAM: "DISTRIBUTION"}
_INGEST_HOMES, _CANARY_HOMES = (REVISION, WORKER_POOL), (WORKER_POOL,)
_HOMES = {
    names.APPEND_EVENT: _INGEST_HOMES,
    names.APPEND_FAILED_EVENT: _INGEST_HOMES,
    names.QUARANTINE_EVENT: _INGEST_HOMES,
    names.ANSWER_EVENT: (REVISION,),
    names.CANARY_EVENT: _CANARY_HOMES,
    names.UNACCOUNTED_EVENT: _CANARY_HOMES,
}


def homes_of(metric: names.Metric) -> tuple[str, ...]:
    """Return the types of the resources whose logs the metric is read from, the usual one first."""
    return _HOMES[metric.event] if metric.event else (REVISION,)


def home_of_ingest(settings: Settings) -> str:
    """Return the type of the resource ingest runs as, which is where its lines are logged."""
    return REVISION if settings.worker is None else WORKER_POOL


def signal_of(metric: names.Metric, resource: str | None = None) -> Signal:
    """Return the platform's own metric as Cloud Monitoring keeps it: of the resource that logs.

    That is the usual one unless another is named; LookupError for one the metric is not read from.
    """
    home = _home(metric, resource)
    return Signal(metric.type, home, "DELTA", _VALUES[metric.kind], metric.unit, metric.labels)


def _home(metric: names.Metric, resource: str | None) -> str:
    homes = homes_of(metric)
    home = resource or homes[0]
    if home not in homes:
        raise LookupError(f"{metric.name} is not logged by {home}")
    return home


KNOWN: Mapping[str, Signal] = {
    signal.type: signal for signal in (*GOOGLE, *(signal_of(metric) for metric in names.METRICS))
}
SIGNALS = frozenset(GOOGLE) | {
    signal_of(metric, home) for metric in names.METRICS for home in homes_of(metric)
}


def select(signal: Signal, **labels: str | tuple[str, ...]) -> str:
    """Return the filter of the signal's series whose labels have the value, or one of the values.

    A label of the resource or of the metric; raises LookupError for one that neither has.
    """
    if signal not in SIGNALS:
        raise LookupError(f"{signal.type} is no metric known here")
    clauses = [f'metric.type = "{signal.type}"', f'resource.type = "{signal.resource}"']
    clauses += [f"{label_path(signal, label)} = {_literal(value)}" for label, value in labels.items()]
    return " AND ".join(clauses)


def label_path(signal: Signal, label: str) -> str:
    """Return a label as filters and groupings write it; LookupError when the signal has none such."""
    if label in signal.labels:
        return f"metric.labels.{label}"
    if label in _RESOURCE_LABELS[signal.resource]:
        return f"resource.labels.{label}"
    raise LookupError(f"{signal.type} has no label {label}")


def _literal(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return "one_of({})".format(", ".join(f'"{one}"' for one in value))


@dataclass(frozen=True)
class Not:
    """Any value of a label but this one."""

    value: str


def promql(metric: names.Metric, ending: str = "", resource: str | None = None, **labels: str | Not) -> str:
    """Return the metric's PromQL selector; a histogram's ending is `_count`, `_sum` or `_bucket`.

    Raises LookupError for a label or an ending the metric does not have. `resource` as in `signal_of`.
    """
    if (metric.kind is names.Kind.HISTOGRAM) != (ending in {"_count", "_sum", "_bucket"}):
        raise LookupError(f"{metric.name} is a {metric.kind}; it cannot end with '{ending}'")
    for label in labels.keys() - set(metric.labels):
        raise LookupError(f"{metric.name} has no label {label}")
    # Read from logs, a metric may belong to several kinds of resources, and PromQL wants one.
    labels = {"monitored_resource": _home(metric, resource), **labels}
    matchers = ", ".join(
        f'{label}!="{value.value}"' if isinstance(value, Not) else f'{label}="{value}"'
        for label, value in labels.items()
    )
    return f"{metric.promql}{ending}{{{matchers}}}"


def fits(signal: Signal, aligner: str, reducer: str | None) -> bool:
    """Tell whether Cloud Monitoring would combine the signal so; an unknown name fits nothing."""
    kinds, values = _ALIGNERS.get(aligner, (frozenset(), frozenset()))
    reducible = _REDUCERS.get(reducer, frozenset()) if reducer else values
    return signal.kind in kinds and signal.value in values and signal.value in reducible
