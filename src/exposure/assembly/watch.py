"""What is told of a service: its counts, its traces, or nothing, as its settings say."""

from __future__ import annotations

from exposure.contracts.catalog import CATALOG
from exposure.settings import GOOGLE_TRACES, ApiSettings, WriterSettings
from exposure.telemetry.counts import Counts
from exposure.telemetry.watch import Watch

# https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
_GOOGLE_TRACES_URL = "https://telemetry.googleapis.com/v1/traces"


def watch_over(settings: ApiSettings | WriterSettings, service: str, *, trusts_callers: bool) -> Watch:
    """Return what is told of the service."""
    names = [contract.name for contract in CATALOG]
    counts = Counts() if settings.metrics else None
    if settings.traces is None:
        return Watch(names, settings.project, counts=counts)
    from exposure.telemetry.traces import Traces, TraceTarget

    is_google, session = settings.traces == GOOGLE_TRACES, None
    if is_google:
        from exposure.identity.google_session import google_session

        session = google_session()
    target = TraceTarget(
        service=service,
        url=_GOOGLE_TRACES_URL if is_google else settings.traces,
        ratio=settings.trace_ratio,
        trusts_callers=trusts_callers,
        project=settings.project,
        flush=settings.trace_flush,
        session=session,
    )
    return Watch(names, settings.project, counts=counts, traces=Traces(target))
