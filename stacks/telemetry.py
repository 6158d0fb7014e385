"""Traces of the services, sent to Google: what they are told of it, and who may send.

Off where the stack names no ratio. What is traced is the services' own concern, `exposure.telemetry.traces`.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects

from exposure.settings import GOOGLE
from stacks.config import Settings

# Lets spans be written and nothing be read: https://cloud.google.com/iam/docs/roles-permissions/telemetry
ROLE = "roles/telemetry.tracesWriter"


def told_of_traces(settings: Settings) -> dict[str, str]:
    """Return what a service is told; nothing where there are no traces."""
    ratio = settings.trace_ratio
    return {} if ratio is None else {"traces": GOOGLE, "trace_ratio": f"{ratio:g}"}


def allow_traces(
    name: str, settings: Settings, member: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Let the member send its traces, if it is to; return the grant."""
    if settings.trace_ratio is None:
        return []
    args = projects.IAMMemberArgs(project=settings.project, role=ROLE, member=member)
    return [projects.IAMMember(f"{name}-sends-traces", args, opts)]
