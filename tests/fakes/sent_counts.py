"""Counts of a service that nobody runs, where they are sent, and what has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from starlette.types import Receive, Scope, Send

from exposure.telemetry.counts import Counts
from exposure.telemetry.names import REQUESTS
from exposure.telemetry.origin import Origin
from exposure.telemetry.sent_metrics import MetricsTarget
from fakes.otlp_receiver import OtlpReceiver

NAME = "a-service"
PATIENCE_SECONDS = 20


def target(
    collector: OtlpReceiver, interval: float = 0.05, flush: float = 0.3, session: object = None
) -> MetricsTarget:
    return MetricsTarget(
        origin=Origin(NAME),
        url=collector.metrics_url,
        interval=timedelta(seconds=interval),
        flush=timedelta(seconds=flush),
        session=session,
    )


def counted(times: int = 1) -> Counts:
    counts = Counts()
    for _ in range(times):
        counts.add(REQUESTS, ["orders"])
    return counts


def requests(collector: OtlpReceiver) -> float:
    """Return the last count of requests that has come; 0 before any."""
    point = collector.latest(REQUESTS.name, NAME, contract="orders")
    return 0 if point is None else point.value


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def greeting(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await send({"type": "http.response.body", "body": b"lo"})
