"""How the embedded platform is watched: always counted, since everybody here may know; else as it is asked.

The levels are those of the embedded Pub/Sub, told beside ingest's counts: in the cloud they are Google's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from exposure.contracts.catalog import Catalog
from exposure.local.feed import subscription_path
from exposure.local.pubsub.broker import Broker
from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.names import BACKLOG_LEVEL, CONTRACT, OLDEST_LEVEL
from exposure.telemetry.origin import Origin
from exposure.telemetry.watch import Watch, no_levels

if TYPE_CHECKING:
    from exposure.telemetry.sent_metrics import SentMetrics
    from exposure.telemetry.traces import Traces

# CPU is never taken away here, so no answer waits for what is sent.
_NO_WAITING = timedelta(0)
_INTERVAL = timedelta(seconds=10)


@dataclass(frozen=True)
class Watches:
    """One watch per service, as in the cloud, where they are processes of their own."""

    api: Watch
    ingest: Watch


@dataclass(frozen=True)
class Collectors:
    """Where OpenTelemetry collectors take traces and metrics over HTTP; nothing is sent without one."""

    traces: str = ""
    metrics: str = ""


def local_watches(catalog: Catalog, broker: Broker, collectors: Collectors) -> Watches:
    """Return the watches; every request and message is traced to the collector, if there is one."""

    def levels() -> Iterable[Level]:
        return backlog_levels(catalog, broker)

    names = [contract.name for contract in catalog]
    return Watches(
        api=_watch("exposure-api", names, collectors, no_levels),
        ingest=_watch("exposure-ingest", names, collectors, levels),
    )


def _watch(
    service: str, names: Sequence[str], collectors: Collectors, levels: Callable[[], Iterable[Level]]
) -> Watch:
    counts, origin = Counts(), Origin(service)
    return Watch(
        names,
        counts=counts,
        levels=levels,
        traces=_traces(origin, collectors.traces),
        metrics=_metrics(origin, collectors.metrics, counts, levels),
    )


def backlog_levels(catalog: Catalog, broker: Broker) -> Iterable[Level]:
    """Return how many messages of each contract are not acknowledged, and since when the oldest is not.

    A contract whose subscription is not declared has no level.
    """
    messages: dict[tuple[str, ...], float] = {}
    ages: dict[tuple[str, ...], float] = {}
    for contract in catalog:
        queue = broker.subscriptions.get(subscription_path(contract.subscription))
        if queue is None:
            continue
        published = [one.stored.message.publish_time.ToMicroseconds() / 1e6 for one in queue]
        messages[contract.name,] = len(published)
        ages[contract.name,] = round(max(0.0, broker.clock() - min(published)), 3) if published else 0.0
    return (
        Level(BACKLOG_LEVEL, "{message}", (CONTRACT,), "Messages that are not acknowledged.", messages),
        Level(
            OLDEST_LEVEL,
            "s",
            (CONTRACT,),
            "Seconds since the oldest of them was published; 0 for none.",
            ages,
        ),
    )


def _traces(origin: Origin, url: str) -> Traces | None:
    if not url:
        return None
    from exposure.telemetry.traces import Traces, TraceTarget  # noqa: PLC0415 - nobody else needs OpenTelemetry

    return Traces(TraceTarget(origin=origin, url=url, ratio=1, trusts_callers=True, flush=_NO_WAITING))


def _metrics(
    origin: Origin, url: str, counts: Counts, levels: Callable[[], Iterable[Level]]
) -> SentMetrics | None:
    if not url:
        return None
    from exposure.telemetry.sent_metrics import MetricsTarget, SentMetrics  # noqa: PLC0415

    target = MetricsTarget(origin=origin, url=url, interval=_INTERVAL, flush=_NO_WAITING)
    return SentMetrics(target, counts, levels)
