"""Answers given again, and the layers around whoever offers them: each counts, or takes the offer away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exposure.again import AGAIN, Again, and_again
from exposure.api.traced import TracedApi
from exposure.telemetry.counts import Counts
from exposure.telemetry.exposition import exposition
from exposure.telemetry.origin import Origin
from exposure.telemetry.request_counts import CountedRequests
from exposure.telemetry.sent_metrics import MetricsTarget, SendsMetrics, SentMetrics
from exposure.telemetry.traces import Traces, TraceTarget

ANSWERS = [(b"age: 1\r\n", b"first"), (b"age: 2\r\n", b"second")]
NOWHERE = "http://127.0.0.1:1/v1/"


def offering() -> ASGIApp:
    """Return an application that offers each of the answers once, where it may."""
    left = list(ANSWERS)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        again = {AGAIN: lambda: left.pop(0) if left else None} if AGAIN in scope else {}
        await send({"type": "http.response.start", "status": 200, "headers": []} | again)
        await send({"type": "http.response.body", "body": b""})

    return app


async def offered(app: ASGIApp, path: str = "/v1/orders") -> Again | None:
    """Return what an application offers with its answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", AGAIN: True}
    await app(scope, receive, send)
    assert sent[0]["status"] == 200
    again: Again | None = sent[0].get(AGAIN)
    return again


def test_what_is_done_is_done_with_each_answer_that_is_given_and_no_other() -> None:
    done: list[str] = []
    start: Message = {"type": "http.response.start", "status": 200, AGAIN: iter([*ANSWERS, None]).__next__}
    again = and_again(start, lambda: done.append("done"))[AGAIN]
    assert [again() for _ in range(3)] == [*ANSWERS, None]
    assert done == ["done", "done"]


def test_a_message_that_offers_nothing_stays_as_it_is() -> None:
    start: Message = {"type": "http.response.start", "status": 200}
    assert and_again(start, lambda: None) is start


async def test_answers_given_again_are_counted_as_requests() -> None:
    counts = Counts()
    again = await offered(CountedRequests(offering(), counts, ["orders"]))
    assert again is not None
    assert [again() for _ in range(3)] == [*ANSWERS, None]
    assert 'exposure_requests_total{contract="orders"} 3.0' in exposition(counts)
    assert 'exposure_latency_seconds_count{contract="orders"} 3.0' in exposition(counts)


@pytest.fixture
def metrics() -> SentMetrics:
    origin = Origin("exposure-api", "some-project", "")
    target = MetricsTarget(origin=origin, url=NOWHERE, interval=timedelta(hours=1), flush=timedelta(0))
    return SentMetrics(target, Counts())


async def test_where_metrics_are_sent_with_answers_none_is_given_again(metrics: SentMetrics) -> None:
    assert await offered(SendsMetrics(offering(), metrics)) is None
    async with metrics.running():
        assert await offered(SendsMetrics(offering(), metrics)) is None


@pytest.mark.parametrize("ratio", [0.0, 1.0])
async def test_where_requests_are_traced_no_answer_is_given_again(ratio: float) -> None:
    origin = Origin("exposure-api", "some-project", "")
    traces = Traces(
        TraceTarget(origin=origin, url=NOWHERE, ratio=ratio, trusts_callers=False, flush=timedelta(0))
    )
    assert await offered(TracedApi(offering(), traces, ["orders"])) is None
    await traces.close()
