"""How the embedded platform is watched: always counted, since everybody here may know, and traced when asked.

The levels are those of the embedded Pub/Sub, told beside ingest's counts: in the cloud they are Google's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from exposure.contracts.catalog import Catalog
from exposure.local.feed import subscription_path
from exposure.local.pubsub.broker import Broker
from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.names import BACKLOG_LEVEL, CONTRACT, OLDEST_LEVEL
from exposure.telemetry.watch import Watch

if TYPE_CHECKING:
    from exposure.telemetry.traces import Traces


@dataclass(frozen=True)
class Watches:
    """One watch per service, as in the cloud, where they are processes of their own."""

    api: Watch
    ingest: Watch


def local_watches(catalog: Catalog, broker: Broker, traces_url: str) -> Watches:
    """Return the watches; every request and message is traced to the collector, if there is one."""
    names = [contract.name for contract in catalog]
    return Watches(
        api=Watch(names, counts=Counts(), traces=_traces("exposure-api", traces_url)),
        ingest=Watch(
            names,
            counts=Counts(),
            traces=_traces("exposure-ingest", traces_url),
            levels=lambda: backlog_levels(catalog, broker),
        ),
    )


def backlog_levels(catalog: Catalog, broker: Broker) -> Iterable[Level]:
    """Return how many messages of each contract are not acknowledged, and since when the oldest is not."""
    messages: dict[tuple[str, ...], float] = {}
    ages: dict[tuple[str, ...], float] = {}
    for contract in catalog:
        queue = broker.subscription(subscription_path(contract.subscription))
        published = [one.stored.message.publish_time.ToMicroseconds() / 1e6 for one in queue]
        messages[contract.name,] = len(published)
        ages[contract.name,] = round(max(0.0, broker.clock() - min(published)), 3) if published else 0.0
    return (
        Level(BACKLOG_LEVEL, (CONTRACT,), "Messages that are not acknowledged.", messages),
        Level(OLDEST_LEVEL, (CONTRACT,), "Seconds since the oldest of them was published; 0 for none.", ages),
    )


def _traces(service: str, url: str) -> Traces | None:
    if not url:
        return None
    from exposure.telemetry.traces import Traces, TraceTarget  # noqa: PLC0415 - nobody else needs OpenTelemetry

    # CPU is never taken away here, so no answer waits for its spans.
    return Traces(TraceTarget(service=service, url=url, ratio=1, trusts_callers=True, flush=timedelta(0)))
