"""Metrics beside answers: an application whose metrics are sent answers and ends as any other."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
from starlette.types import Message, Receive, Scope, Send

from exposure.telemetry.counts import Counts
from exposure.telemetry.names import REQUESTS
from exposure.telemetry.origin import Origin
from exposure.telemetry.sent_metrics import MetricsTarget, SendsMetrics, SentMetrics
from exposure.telemetry.watch import Watch
from fakes.asgi_client import call
from fakes.otlp_receiver import OtlpReceiver, otlp_receiver
from fakes.sent_counts import NAME, counted, greeting, requests, target, until
from fakes.service_process import service_environment


async def test_one_answer_waits_for_a_sending_under_way_and_no_longer_than_it_may(
    collector: OtlpReceiver,
) -> None:
    collector.holds.clear()
    metrics = SentMetrics(target(collector, flush=1), counted())
    app = SendsMetrics(greeting, metrics)
    async with metrics.running():
        await until(lambda: collector.asked)
        taken = []
        for _ in range(3):
            began = time.monotonic()
            assert (await call(app, "GET", "/")).body == b"hello"
            taken.append(time.monotonic() - began)
        collector.holds.set()
    assert 0.95 < taken[0] < 1.9
    assert max(taken[1:]) < 0.9


async def test_an_answer_that_waits_ends_as_soon_as_they_are_sent(collector: OtlpReceiver) -> None:
    collector.holds.clear()
    metrics = SentMetrics(target(collector, flush=15), counted())
    async with metrics.running():
        await until(lambda: collector.asked)
        answering = asyncio.create_task(call(SendsMetrics(greeting, metrics), "GET", "/"))
        await asyncio.sleep(0.05)
        assert not answering.done()
        collector.holds.set()
        async with asyncio.timeout(10):
            await answering
        assert requests(collector) == 1


async def test_after_a_while_without_cpu_the_next_answer_begins_the_sending_that_is_overdue(
    collector: OtlpReceiver,
) -> None:
    metrics = SentMetrics(target(collector, interval=0.2, flush=15), counted())
    async with metrics.running():
        time.sleep(0.3)  # noqa: ASYNC251 - nothing of this process runs meanwhile
        assert (await call(SendsMetrics(greeting, metrics), "GET", "/")).body == b"hello"
        assert requests(collector) == 1


@pytest.mark.parametrize("flush", [0, 15])
async def test_where_nothing_is_sent_just_now_or_cpu_stays_no_answer_waits(
    collector: OtlpReceiver, flush: float
) -> None:
    collector.holds.clear()
    metrics = SentMetrics(target(collector, interval=0.05 if not flush else 3600, flush=flush), counted())
    async with metrics.running():
        if not flush:
            await until(lambda: collector.asked)
        began = time.monotonic()
        await call(SendsMetrics(greeting, metrics), "GET", "/")
        assert time.monotonic() - began < 1.5
        collector.holds.set()


async def test_a_collector_that_is_gone_changes_no_answer() -> None:
    gone = MetricsTarget(
        origin=Origin(NAME),
        url="http://127.0.0.1:1/v1/metrics",
        interval=timedelta(seconds=0.02),
    )
    metrics = SentMetrics(gone, counted())
    async with metrics.running():
        for _ in range(20):
            assert (await call(SendsMetrics(greeting, metrics), "GET", "/")).body == b"hello"
            await asyncio.sleep(0.005)


async def test_a_collector_that_dies_meanwhile_changes_no_answer_and_no_end() -> None:
    with ExitStack() as life:
        collector = life.enter_context(otlp_receiver())
        metrics = SentMetrics(target(collector), counted())
        async with metrics.running():
            await until(lambda: requests(collector) == 1)
            life.close()
            await asyncio.sleep(0.2)
            began = time.monotonic()
            assert (await call(SendsMetrics(greeting, metrics), "GET", "/")).body == b"hello"
        assert time.monotonic() - began < 2


async def lived(metrics: SentMetrics, app: object, collector: OtlpReceiver) -> list[tuple[str, float]]:
    """Let an application live; return what the server was told, and what had been sent by then."""
    told: list[tuple[str, float]] = []
    begun = asyncio.Event()
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Message:
        event = next(events)
        if event == "lifespan.shutdown":
            await begun.wait()
        return {"type": event}

    async def send(message: Message) -> None:
        told.append((message["type"], requests(collector)))
        begun.set()

    await SendsMetrics(app, metrics)({"type": "lifespan"}, receive, send)  # type: ignore[arg-type]
    return told


async def test_the_server_hears_of_the_end_when_all_has_been_sent_that_was_counted_until_then(
    collector: OtlpReceiver,
) -> None:
    counts = counted()

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        # As the API's lines of kept answers are.
        counts.add(REQUESTS, ["orders"])

    told = await lived(SentMetrics(target(collector, interval=3600), counts), app, collector)
    assert told == [("lifespan.startup.complete", 0), ("lifespan.shutdown.complete", 2)]


def test_counts_that_are_only_sent_have_no_page(collector: OtlpReceiver) -> None:
    counts = Counts()
    watch = Watch(["orders"], counts=counts, metrics=SentMetrics(target(collector), counts), has_page=False)

    async def asked() -> int:
        async def nothing(_: Scope, __: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return (await call(watch.around(nothing), "GET", "/metrics")).status

    assert asyncio.run(asked()) == 404


@pytest.mark.parametrize(
    ("told", "loaded"),
    [
        ({}, []),
        ({"METRICS": "true"}, ["prometheus_client"]),
        ({"METRICS_COLLECTOR": "http://127.0.0.1:1/v1/metrics"}, ["opentelemetry.exporter"]),
    ],
    ids=["off", "a page", "a collector"],
)
@pytest.mark.parametrize("service", ["api", "ingest"])
def test_a_service_loads_what_it_is_told_to_use(
    service: str, told: dict[str, str], loaded: list[str]
) -> None:
    program = (
        "import asyncio, sys\n"
        "from exposure import entrypoints\n"
        f"async def main(): entrypoints.{service}()\n"
        "asyncio.run(main())\n"
        "libraries = ('opentelemetry.exporter', 'prometheus_client')\n"
        "print(*[name for name in libraries if name in sys.modules], sep='\\n')\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        timeout=60,
        env=service_environment(service, **told),
        capture_output=True,
        text=True,
    )
    assert finished.stdout.split() == loaded
