"""What is told of a service: its counts, its metrics, its traces, or nothing, as its settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exposure.contracts.catalog import CATALOG
from exposure.settings import GOOGLE, ApiSettings, WriterSettings
from exposure.telemetry.counts import Counts
from exposure.telemetry.origin import Origin
from exposure.telemetry.watch import Watch

if TYPE_CHECKING:
    import requests

    from exposure.telemetry.sent_metrics import SentMetrics
    from exposure.telemetry.traces import Traces

# https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
_GOOGLE_URL = "https://telemetry.googleapis.com/v1"


def watch_over(settings: ApiSettings | WriterSettings, service: str, *, trusts_callers: bool) -> Watch:
    """Return what is told of the service."""
    origin = Origin(service, settings.project, settings.region or "")
    counts = Counts() if settings.metrics or settings.metrics_collector else None
    return Watch(
        [contract.name for contract in CATALOG],
        settings.project,
        counts=counts,
        traces=_traces(settings, origin, trusts_callers=trusts_callers),
        metrics=None if counts is None else _metrics(settings, origin, counts),
        has_page=settings.metrics,
    )


def _traces(settings: ApiSettings | WriterSettings, origin: Origin, *, trusts_callers: bool) -> Traces | None:
    if settings.traces is None:
        return None
    from exposure.telemetry.traces import Traces, TraceTarget

    url, session = _collector(settings.traces, "traces")
    return Traces(
        TraceTarget(
            origin=origin,
            url=url,
            ratio=settings.trace_ratio,
            trusts_callers=trusts_callers,
            flush=settings.trace_flush,
            session=session,
        )
    )


def _metrics(settings: ApiSettings | WriterSettings, origin: Origin, counts: Counts) -> SentMetrics | None:
    if settings.metrics_collector is None:
        return None
    from exposure.telemetry.sent_metrics import MetricsTarget, SentMetrics

    url, session = _collector(settings.metrics_collector, "metrics")
    target = MetricsTarget(
        origin=origin,
        url=url,
        interval=settings.metrics_interval,
        flush=settings.metrics_flush,
        session=session,
    )
    return SentMetrics(target, counts)


def _collector(told: str, signal: str) -> tuple[str, requests.Session | None]:
    """Return where the signal is sent, and what signs it there."""
    if told != GOOGLE:
        return told, None
    from exposure.identity.google_session import google_session

    return f"{_GOOGLE_URL}/{signal}", google_session()
