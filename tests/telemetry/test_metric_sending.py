"""When metrics leave the process: every interval, beside its work, once more at the end, never for long."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from google.auth.exceptions import DefaultCredentialsError
from starlette.types import Message, Receive, Scope, Send

from exposure.identity import google_session as google
from exposure.telemetry import sent_metrics
from exposure.telemetry.counts import Counts, Level
from exposure.telemetry.names import BACKLOG_LEVEL, REQUESTS
from exposure.telemetry.origin import Origin
from exposure.telemetry.sent_metrics import MetricsTarget, SendsMetrics, SentMetrics
from exposure.telemetry.watch import Watch
from fakes.asgi_client import call
from fakes.otlp_receiver import OtlpReceiver, otlp_receiver
from fakes.service_process import service_environment

NAME = "a-service"
PATIENCE_SECONDS = 20


@pytest.fixture
def collector() -> Iterator[OtlpReceiver]:
    with otlp_receiver() as receiver:
        yield receiver


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


async def until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


async def greeting(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hel", "more_body": True})
    await send({"type": "http.response.body", "body": b"lo"})


async def test_they_are_sent_again_and_again_by_themselves(collector: OtlpReceiver) -> None:
    counts = counted()
    async with SentMetrics(target(collector), counts).running():
        await until(lambda: requests(collector) == 1)
        counts.add(REQUESTS, ["orders"])
        await until(lambda: requests(collector) == 2)
    assert len({point.started_ns for point in collector.points}) == 1
    times = [point.ended_ns for point in collector.points]
    assert times == sorted(set(times))


async def test_levels_are_sent_as_they_are_then(collector: OtlpReceiver) -> None:
    level = Level(BACKLOG_LEVEL, "{message}", ("contract",), "Waiting.", {("orders",): 7.0})
    async with SentMetrics(target(collector), Counts(), lambda: [level]).running():
        await until(lambda: collector.latest(BACKLOG_LEVEL, NAME, contract="orders"))
    point = collector.latest(BACKLOG_LEVEL, NAME, contract="orders")
    assert point is not None
    assert (point.kind, point.value) == ("gauge", 7.0)


async def test_what_was_counted_last_is_sent_at_the_end(collector: OtlpReceiver) -> None:
    async with SentMetrics(target(collector, interval=3600), counts := counted(2)).running():
        counts.add(REQUESTS, ["orders"])
    assert requests(collector) == 3
    assert collector.asked == 1


async def test_the_last_sending_waits_for_one_under_way(collector: OtlpReceiver) -> None:
    collector.holds.clear()
    asked_meanwhile = []

    def answer() -> None:
        asked_meanwhile.append(collector.asked)
        collector.holds.set()

    async with SentMetrics(target(collector), counts := counted()).running():
        await until(lambda: collector.asked)
        counts.add(REQUESTS, ["orders"])
        asyncio.get_running_loop().call_later(0.2, answer)
    assert asked_meanwhile == [1]
    assert requests(collector) == 2


async def test_a_collector_that_does_not_answer_holds_up_neither_the_loop_nor_the_end(
    collector: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # The exporter itself would wait as long as this test may take.
    monkeypatch.setattr(sent_metrics, "_EXPORT_SECONDS", 60.0)
    collector.holds.clear()
    async with SentMetrics(target(collector), counted()).running():
        await until(lambda: collector.asked)
        began = time.monotonic()
        await asyncio.sleep(0.3)
        # One at a time: the second would only wait for the same.
        assert collector.asked == 1
        assert time.monotonic() - began < 2
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert "the last counts are lost" in caplog.text


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


async def test_a_collector_that_refuses_is_complained_of_once_until_it_takes_them_again(
    collector: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    def complaints() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]

    collector.status = 400
    async with SentMetrics(target(collector), counted()).running():
        await until(lambda: collector.asked >= 4)
        assert len(complaints()) == 1
        assert "400" in complaints()[0]
        collector.status = 200
        await until(lambda: requests(collector) == 1)
        collector.status = 403
        refused = collector.asked
        await until(lambda: collector.asked >= refused + 4)
    assert len(complaints()) == 2
    assert "403" in complaints()[1]


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


async def test_what_a_collector_missed_is_in_what_it_gets_next(collector: OtlpReceiver) -> None:
    collector.status = 503
    counts = counted()
    async with SentMetrics(target(collector), counts).running():
        await until(lambda: collector.asked)
        counts.add(REQUESTS, ["orders"])
        collector.status = 200
        await until(lambda: requests(collector) == 2)


async def test_nobody_logged_in_means_no_metrics_and_nothing_else(
    collector: OtlpReceiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def nobody(scopes: list[str]) -> None:
        raise DefaultCredentialsError(f"nobody for {scopes}")  # type: ignore[no-untyped-call]

    monkeypatch.setattr("google.auth.default", nobody)
    async with SentMetrics(target(collector, session=google.google_session()), counted()).running():
        await until(lambda: "nobody for" in caplog.text)
    assert collector.asked == 0
    assert caplog.text.count("Failed to export") == 1


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
