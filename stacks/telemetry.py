"""Traces and metrics of the services, sent to Google: what they are told of it, and who may send.

Each is off where the stack does not name how much, or how often. What is sent is the services' own concern,
`exposure.telemetry`. Alerts and objectives need neither: they read the log's metrics.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects

from exposure.settings import GOOGLE
from stacks.config import Settings

# They let spans and points be written and nothing be read:
# https://cloud.google.com/iam/docs/roles-permissions/telemetry
TRACES_ROLE, METRICS_ROLE = "roles/telemetry.tracesWriter", "roles/telemetry.metricsWriter"


def told_of_telemetry(settings: Settings, *, works_between_requests: bool) -> dict[str, str]:
    """Return what a service is told; nothing of what is off.

    Where it has its CPU all the time, no answer waits for its metrics to be sent.
    """
    metrics = _told_of_metrics(settings, works_between_requests=works_between_requests)
    return {**_told_of_traces(settings), **metrics}


def allow_telemetry(
    name: str, settings: Settings, member: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Let the member send what it is told to; return the grants."""
    roles = {
        "traces": (TRACES_ROLE, settings.trace_ratio),
        "metrics": (METRICS_ROLE, settings.metrics_interval_seconds),
    }
    return [
        projects.IAMMember(
            f"{name}-sends-{signal}",
            projects.IAMMemberArgs(project=settings.project, role=role, member=member),
            opts,
        )
        for signal, (role, wish) in roles.items()
        if wish is not None
    ]


def _told_of_traces(settings: Settings) -> dict[str, str]:
    ratio = settings.trace_ratio
    return {} if ratio is None else {"traces": GOOGLE, "trace_ratio": f"{ratio:g}"}


def _told_of_metrics(settings: Settings, *, works_between_requests: bool) -> dict[str, str]:
    seconds = settings.metrics_interval_seconds
    if seconds is None:
        return {}
    return {
        "metrics_collector": GOOGLE,
        "metrics_interval": f"PT{seconds}S",
        "region": settings.region,
        **({"metrics_flush": "PT0S"} if works_between_requests else {}),
    }
