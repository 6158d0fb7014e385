"""Whether the API answers from outside Google, asked each minute, and the alert when it does not.

Only a public API can be asked. The question is whether it is ready, and that asks BigQuery in turn, by a dry
run at most: nothing is billed for it, and as it is no request for rows, no objective counts it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pulumi
from pulumi_gcp import monitoring

from stacks.alert_policy import Alert, Routing, Sample, above, declare_alert
from stacks.config import Settings
from stacks.metrics import UPTIME
from stacks.service import READY_PATH

# At least three places must ask; each question counts on the bill.
_REGIONS = ("EUROPE", "USA_VIRGINIA", "SOUTH_AMERICA")
# Of the places that ask, so many must be refused: one of them may have a problem of its own.
_DISAGREEING = 1


class Uptime(pulumi.ComponentResource):
    """The check of one address, and its alert."""

    def __init__(
        self, name: str, uri: str, settings: Settings, routing: Routing, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:uptime:Uptime", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        host = urlsplit(uri).netloc
        monitoring.UptimeCheckConfig(
            name,
            monitoring.UptimeCheckConfigArgs(
                display_name=name,
                period="60s",
                timeout="10s",
                selected_regions=list(_REGIONS),
                monitored_resource=monitoring.UptimeCheckConfigMonitoredResourceArgs(
                    type=UPTIME.resource, labels={"project_id": settings.project, "host": host}
                ),
                http_check=monitoring.UptimeCheckConfigHttpCheckArgs(
                    path=READY_PATH, port=443, use_ssl=True, validate_ssl=True, request_method="GET"
                ),
                user_labels=dict(routing.labels),
            ),
            child,
        )
        declare_alert(_unreachable(name, host), routing, child)
        self.register_outputs({})


def _unreachable(name: str, host: str) -> Alert:
    refused = Sample(
        signal=UPTIME,
        labels={"host": host},
        seconds=300,
        aligner="ALIGN_NEXT_OLDER",
        reducer="REDUCE_COUNT_FALSE",
        by=("host",),
    )
    return Alert(
        name=f"{name}-unreachable",
        title="The API cannot be reached from outside",
        severity="CRITICAL",
        conditions=[above("places that get no answer", refused, _DISAGREEING, seconds=60)],
        means=f"More than one place in the world got no 200 from https://{host}{READY_PATH}.",
        first="Ask it yourself. 503: the API waits for BigQuery. Nothing at all: its last revision fails.",
    )
