"""The metrics that Cloud Monitoring reads from logs: Cloud Run's log of requests, and the programs' lines.

They are the same for every contract, which is a label of theirs. What they are called and what their lines
hold is said in `telemetry.names`; nothing is charted or alerted on here.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import logging

from exposure.telemetry import names
from exposure.telemetry.names import Kind, Metric
from stacks.metrics import homes_of

_REQUEST = 'resource.type="cloud_run_revision" AND log_id("run.googleapis.com/requests")'
_LINES = 'log_id("run.googleapis.com/stdout")'
# Regular expressions over what Cloud Run logs of a request; a duration is written 0.123s.
PATH_OF_ROWS = "^https?://[^/]+/v1/[a-z]"
CONTRACT_IN_URL = "^https?://[^/]+/v1/([a-z][a-z0-9_]*).*$"
SECONDS_OF_LATENCY = "^([0-9.]+)s?$"
_NO_INSTANCE = 'textPayload:"no available instance"'
_ROWS = f'{_REQUEST} AND resource.labels.service_name="api" AND httpRequest.requestUrl=~"{PATH_OF_ROWS}"'
_FAILED = f"(httpRequest.status>=500 OR {_NO_INSTANCE})"
# Other 4xx are their callers' doing; without them, invented names cannot become series either.
_FILTERS = {
    names.REQUESTS.name: f"{_ROWS} AND (httpRequest.status<400 OR {_FAILED})",
    names.FAILURES.name: f"{_ROWS} AND {_FAILED}",
    names.LATENCY.name: f"{_ROWS} AND httpRequest.status<400",
    names.NO_INSTANCE.name: f"{_REQUEST} AND {_NO_INSTANCE}",
}
_LATENCY = f'REGEXP_EXTRACT(httpRequest.latency, "{SECONDS_OF_LATENCY}")'
_REQUEST_LABELS = {
    names.CONTRACT: f'REGEXP_EXTRACT(httpRequest.requestUrl, "{CONTRACT_IN_URL}")',
    names.SERVICE: "EXTRACT(resource.labels.service_name)",
}


class LogMetrics(pulumi.ComponentResource):
    """Every metric of the log. `declared` must exist before an objective stands on one of them."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("exposure:log_metrics:LogMetrics", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.declared = [_declare(metric, child) for metric in names.METRICS]
        self.register_outputs({})


def _declare(metric: Metric, opts: pulumi.ResourceOptions) -> logging.Metric:
    is_histogram = metric.kind is Kind.HISTOGRAM
    return logging.Metric(
        metric.name,
        logging.MetricArgs(
            name=metric.name,
            description=metric.description,
            filter=_filter(metric),
            metric_descriptor=logging.MetricMetricDescriptorArgs(
                metric_kind="DELTA",
                value_type="DISTRIBUTION" if is_histogram else "INT64",
                unit=metric.unit if is_histogram else "1",
                labels=[
                    logging.MetricMetricDescriptorLabelArgs(key=label, value_type="STRING")
                    for label in metric.labels
                ],
            ),
            label_extractors={label: _label(metric, label) for label in metric.labels},
            value_extractor=_value(metric) if is_histogram else None,
            bucket_options=_buckets(metric) if is_histogram else None,
        ),
        opts,
    )


def _filter(metric: Metric) -> str:
    if not metric.event:
        return _FILTERS[metric.name]
    homes = " OR ".join(f'"{home}"' for home in homes_of(metric))
    return f'resource.type=({homes}) AND {_LINES} AND jsonPayload.{names.EVENT_FIELD}="{metric.event}"'


def _label(metric: Metric, label: str) -> str:
    return f"EXTRACT(jsonPayload.{label})" if metric.event else _REQUEST_LABELS[label]


def _value(metric: Metric) -> str:
    return f"EXTRACT(jsonPayload.{metric.field})" if metric.event else _LATENCY


def _buckets(metric: Metric) -> logging.MetricBucketOptionsArgs:
    return logging.MetricBucketOptionsArgs(
        explicit_buckets=logging.MetricBucketOptionsExplicitBucketsArgs(bounds=list(metric.edges))
    )
