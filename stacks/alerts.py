"""The alerts on the services, right now: mean latency, error rate, and the want of instances.

What no objective sees of a contract's messages is in `message_alerts`; how fast budgets burn in `objectives`;
whether the API can be reached from outside in `uptime`; money in `spend`.
"""

from __future__ import annotations

import pulumi

from exposure.telemetry import names
from stacks.alert_policy import Alert, Routing, Sample, above, declare_alert, holds
from stacks.config import Settings
from stacks.metrics import INSTANCE_COUNT, REQUEST_COUNT, REQUEST_LATENCIES, promql

_SERVICES = ("api", "ingest")
_MEAN_LATENCY_MS = 500
_ERROR_RATE = 0.01


class PlatformAlerts(pulumi.ComponentResource):
    """The alerts on the services, which all contracts share."""

    def __init__(self, name: str, settings: Settings, routing: Routing, opts: pulumi.ResourceOptions) -> None:
        super().__init__("exposure:alerts:PlatformAlerts", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for alert in (_mean_latency(), _error_rate(), _no_instance(), _full(settings)):
            declare_alert(alert, routing, child)
        self.register_outputs({})


def _mean_latency() -> Alert:
    latency = Sample(
        signal=REQUEST_LATENCIES,
        labels={"service_name": _SERVICES},
        aligner="ALIGN_DELTA",
        reducer="REDUCE_MEAN",
        by=("service_name",),
    )
    return Alert(
        name="mean-latency",
        title="Mean latency above 500 ms over 5 minutes",
        severity="WARNING",
        conditions=[above("mean of a service's requests", latency, _MEAN_LATENCY_MS)],
        means=(
            "The mean request of a service took longer than 500 ms. With little traffic a single cold start "
            "does that; a mean also hides a slow tenth, which the latency objective sees."
        ),
        first=(
            "On the dashboard, compare the service's p50 with its p95. Both high: BigQuery is slow or the "
            "instances are full. Only p95: cold starts; raise the service's min_instances."
        ),
    )


def _error_rate() -> Alert:
    def requests(**labels: str) -> Sample:
        return Sample(
            signal=REQUEST_COUNT,
            labels={"service_name": _SERVICES, **labels},
            aligner="ALIGN_RATE",
            reducer="REDUCE_SUM",
            by=("service_name",),
        )

    failed = requests(response_code_class="5xx")
    return Alert(
        name="error-rate",
        title="Error rate above 1 %",
        severity="ERROR",
        conditions=[above("5xx of all requests of a service", failed, _ERROR_RATE, share_of=requests())],
        means=(
            "More than one request in a hundred of a service failed with 5xx over 5 minutes. Of ingest, no "
            "message is lost: Pub/Sub delivers it again."
        ),
        first="Open the service's log for severity ERROR; if a release began it, go back to the last image.",
    )


def _no_instance() -> Alert:
    refused = f"sum by ({names.SERVICE}) (increase({promql(names.NO_INSTANCE)}[5m])) > 0"
    return Alert(
        name="no-instance",
        title="The platform refused requests for want of an instance",
        severity="ERROR",
        conditions=[holds("requests without an instance", refused)],
        means=(
            "Cloud Run answered 429 or 500 itself because no instance could take a request. Such requests "
            "never reach the service and are in no log of its own."
        ),
        first="Raise the service's max_instances or concurrency; with none at work, look for failed starts.",
    )


def _full(settings: Settings) -> Alert:
    def instances(service: str) -> Sample:
        return Sample(
            signal=INSTANCE_COUNT,
            labels={"service_name": service, "state": "active"},
            seconds=60,
            aligner="ALIGN_MAX",
            reducer="REDUCE_SUM",
        )

    # A worker pool has as many instances as it is given, and no more to start.
    sizes = {"api": settings.api} | ({} if settings.worker else {"ingest": settings.ingest})
    return Alert(
        name="no-instance-left",
        title="A service runs on its last instance",
        severity="WARNING",
        conditions=[
            above(f"active instances of {name}", instances(name), size.max_instances - 1, seconds=300)
            for name, size in sizes.items()
        ],
        means="All instances a service may have were busy for 5 minutes; more traffic would be refused.",
        first=(
            "See on the dashboard whether traffic or latency rose. Traffic: raise max_instances, and watch "
            "BigQuery's quotas. Latency: treat that first, or the new instances are busy as well."
        ),
    )
