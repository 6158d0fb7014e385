"""When spans leave the process: before the answer that they are of, at its end, and never for long."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from google.auth import _helpers
from google.auth.credentials import Credentials
from starlette.types import Receive, Scope, Send

from exposure.api.traced import TracedApi
from exposure.contracts.analytics_table import CONTRACT
from exposure.identity import google_session as google
from exposure.ingest.app import PushApp
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.watched import WatchedRoad
from exposure.telemetry.origin import Origin
from exposure.telemetry.traces import Beginning, Traces, TraceTarget
from exposure.telemetry.watch import Watch
from exposure.warehouse.port import WarehouseUnavailable
from fakes.asgi_client import Answer, call
from fakes.messages import NOON, wrapped
from fakes.otlp_receiver import OtlpReceiver
from fakes.push_endpoint import AnyoneMayPush
from fakes.recording_writer import RecordingWriter
from fakes.service_process import GRACE_SECONDS, ask, service_process

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


def target(collector: OtlpReceiver, ratio: float = 1, flush: float = 1.0, project: str = "") -> TraceTarget:
    return TraceTarget(
        origin=Origin("a-service", project),
        url=collector.url,
        ratio=ratio,
        trusts_callers=True,
        flush=timedelta(seconds=flush),
    )


async def greeting(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


class Road:
    """The push endpoint over a warehouse in memory, traced."""

    def __init__(self, traces: Traces) -> None:
        self.writer = RecordingWriter()
        road = WatchedRoad(Watch([CONTRACT.name], traces=traces), "memory")
        inner = road.writer(self.writer)
        self.pipeline = road.pipeline(Pipeline(CONTRACT, inner, clock=lambda: NOON), CONTRACT.name)
        self.app = road.app(PushApp({CONTRACT.name: self.pipeline}, AnyoneMayPush(), inner))

    async def push(self, **headers: str) -> Answer:
        body = wrapped(b'{"id": "a", "timestamp": "2026-11-25T12:00:00Z"}', "1")
        return await call(self.app, "POST", f"/push/{CONTRACT.name}", [body], headers)


def message(number: int, **attributes: str) -> Message:
    data = f'{{"id": "{number}", "timestamp": "2026-11-25T12:00:00Z"}}'.encode()
    return Message(str(number), data, attributes, NOON)


async def test_spans_have_left_before_the_answer_ends_as_cpu_does_with_it(collector: OtlpReceiver) -> None:
    traces = Traces(target(collector))
    answer = await call(TracedApi(greeting, traces, []), "GET", "/", headers=SAMPLED)
    assert answer.body == b"hello"
    assert [span.name for span in collector.spans] == ["GET /"]
    await traces.close()


async def test_a_push_has_left_its_spans_before_it_is_acknowledged(collector: OtlpReceiver) -> None:
    traces = Traces(target(collector))
    road = Road(traces)
    assert (await road.push(**SAMPLED)).status == 204
    process = collector.one("process analytics_table")
    # Nothing else says whose the message is, so it is Cloud Run's.
    assert (process.trace_id, process.parent_id) == (TRACE, SPAN)
    assert collector.one("append analytics_table").attributes["db.system.name"] == "memory"
    await traces.close()


async def test_a_collector_that_does_not_answer_holds_an_answer_up_no_longer_than_it_may(
    collector: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The exporter itself would wait as long as this test may take.
    monkeypatch.setattr("exposure.telemetry.traces._EXPORT_SECONDS", 60.0)
    collector.holds.clear()
    traces = Traces(target(collector, flush=0.05))
    async with asyncio.timeout(15):
        answers = [call(TracedApi(greeting, traces, []), "GET", "/", headers=SAMPLED) for _ in range(20)]
        assert {answer.status for answer in await asyncio.gather(*answers)} == {200}
        await traces.close()


async def test_a_collector_that_fails_changes_no_answer(
    collector: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400
    traces = Traces(target(collector))
    assert (await call(TracedApi(greeting, traces, []), "GET", "/", headers=SAMPLED)).status == 200
    await traces.close()
    assert "Failed to export" in caplog.text


async def test_what_is_not_drawn_leaves_no_span_and_waits_for_nothing(collector: OtlpReceiver) -> None:
    collector.holds.clear()
    traces = Traces(target(collector, ratio=0))
    road = Road(traces)
    unsampled = {"traceparent": f"00-{TRACE}-{SPAN}-00"}
    assert (await call(TracedApi(greeting, traces, []), "GET", "/", headers=unsampled)).status == 200
    assert (await road.push(**unsampled)).status == 204
    collector.holds.set()
    await traces.close()
    assert collector.spans == []


async def test_a_message_left_with_pubsub_is_a_span_that_failed(collector: OtlpReceiver) -> None:
    traces = Traces(target(collector))
    road = Road(traces)
    road.writer.failure = WarehouseUnavailable("down: a secret")
    assert (await road.push(**SAMPLED)).status == 503
    await traces.close()
    process, append = collector.one("process analytics_table"), collector.one("append analytics_table")
    assert (process.failed, process.attributes["error.type"]) == (True, "unavailable")
    assert (append.failed, append.attributes["error.type"]) == (True, "WarehouseUnavailable")
    assert not any(b"secret" in body for body in collector.bodies)


async def test_messages_that_are_pulled_together_are_each_in_their_publishers_trace(
    collector: OtlpReceiver,
) -> None:
    traces = Traces(target(collector, flush=0))
    road = Road(traces)
    ids = [f"{number:032x}" for number in (1, 2, 3)]
    messages = [
        message(number, googclient_traceparent=f"00-{trace}-{SPAN}-01") for number, trace in enumerate(ids)
    ]
    assert await road.pipeline.handle_all(messages) == [Outcome.STORED] * 3
    await traces.close()
    processes = collector.named("process analytics_table")
    batch = collector.one("batch analytics_table")
    assert [span.trace_id for span in processes] == ids
    assert list(batch.links) == [(span.trace_id, span.span_id) for span in processes]
    assert all((batch.trace_id, batch.span_id) in span.links for span in processes)


async def test_a_span_says_whose_it_is_and_which_process_wrote_it(collector: OtlpReceiver) -> None:
    traces = [Traces(target(collector, project="a-project")) for _ in range(2)]
    for one in traces:
        span = one.begin(Beginning(name="a step"))
        assert span is not None
        span.end()
        await one.close()
    resources = [span.resource for span in collector.spans]
    assert {one["service.name"] for one in resources} == {"a-service"}
    assert {one["gcp.project_id"] for one in resources} == {"a-project"}
    assert len({one["service.instance.id"] for one in resources}) == 2


class ShortLived(Credentials):
    """Credentials whose token is as good as over as soon as it is made."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.made = 0

    def refresh(self, request: object) -> None:
        del request
        self.made += 1
        self.token, self.expiry = f"token-{self.made}", _helpers.utcnow()  # type: ignore[no-untyped-call]


async def test_what_is_sent_to_google_carries_a_token_that_is_made_anew_when_it_ends(
    collector: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("google.auth.default", lambda scopes: (ShortLived(), scopes))
    told = {**vars(target(collector)), "session": google.google_session()}
    traces = Traces(TraceTarget(**told))
    for _ in range(2):
        await call(TracedApi(greeting, traces, []), "GET", "/", headers=SAMPLED)
    await traces.close()
    assert collector.authorizations == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("answers", [True, False], ids=["the collector answers", "it does not"])
def test_a_process_that_is_told_to_stop_sends_what_it_can_and_ends_in_its_grace(
    collector: OtlpReceiver, answers: bool
) -> None:
    told = {"TRACES": collector.url, "TRACE_RATIO": "1", "TRACE_FLUSH": "PT0S"}
    with service_process("api", **told) as (process, url):
        assert ask(f"{url}/health/live", **SAMPLED).status_code == 200
        if not answers:
            collector.holds.clear()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=GRACE_SECONDS)
    if answers:
        assert collector.one("GET /health/live").trace_id == TRACE


def test_the_platform_on_a_laptop_sends_its_traces_where_it_is_told(
    collector: OtlpReceiver, tmp_path: Path
) -> None:
    ports = ["--api-port", "0", "--ingest-port", "0", "--pubsub-port", "0"]
    command = [sys.executable, "-m", "exposure", "local", "--once", "--data-dir", str(tmp_path), *ports]
    subprocess.run([*command, "--traces", collector.url], check=True, timeout=90, capture_output=True)
    for contract in ("analytics_table", "orders"):
        assert collector.named(f"append {contract}")
        assert collector.named(f"query {contract}")


def test_what_is_off_wraps_nothing_and_loads_nothing() -> None:
    program = (
        "import sys, exposure.api.app, exposure.api.watched, exposure.ingest.app, exposure.ingest.watched\n"
        "import exposure.entrypoints, exposure.local.platform\n"
        "from exposure.telemetry.watch import Watch\n"
        "from exposure.ingest.watched import WatchedRoad\n"
        "road = WatchedRoad(Watch([]), 'x')\n"
        "assert road.writer(sys) is road.pipeline(sys, 'x') is road.app(sys) is sys\n"
        "unwanted = ('opentelemetry.exporter', 'prometheus_client')\n"
        "loaded = [name for name in sys.modules if name.startswith(unwanted)]\n"
        "assert not loaded and 'exposure.telemetry.traces' not in sys.modules, loaded\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.usefixtures("nobody_logged_in")
async def test_nobody_logged_in_means_no_traces_and_nothing_else(
    collector: OtlpReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    told = {**vars(target(collector)), "session": google.google_session()}
    traces = Traces(TraceTarget(**told))
    assert (await call(TracedApi(greeting, traces, []), "GET", "/", headers=SAMPLED)).status == 200
    await traces.close()
    assert collector.spans == []
    assert "nobody for" in caplog.text
