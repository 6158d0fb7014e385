"""One trace from whoever asks to what is done for them, as a collector receives it over OTLP/HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import subscription_path, topic_path
from exposure.local.platform import Platform, PlatformConfig
from exposure.local.pubsub.wire import PubsubMessage
from exposure.local.watch import Collectors
from fakes import traced_publisher
from fakes.otlp_receiver import OtlpReceiver, ReceivedSpan

CONTRACT = CATALOG.get("analytics_table")
PATIENCE_SECONDS = 30
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "a-name-nobody-may-trace"


@pytest.fixture
async def platform(tmp_path: Path, collector: OtlpReceiver) -> AsyncIterator[Platform]:
    collectors = Collectors(traces=collector.url)
    config = PlatformConfig(tmp_path, api_port=0, ingest_port=0, pubsub_port=0, collectors=collectors)
    async with Platform(CATALOG, config) as platform:
        yield platform


def event(key: str) -> bytes:
    return json.dumps({"id": key, "timestamp": "2026-11-25T12:00:00Z", "data": SECRET}).encode()


async def publish_officially(platform: Platform, collector: OtlpReceiver, *events: bytes) -> str:
    """Publish by the official client with its tracing on; return the trace it began."""
    command = [
        sys.executable, traced_publisher.__file__,
        platform.addresses.pubsub, topic_path(CONTRACT.topic), collector.url,
    ]  # fmt: skip
    publisher = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        said, complained = await publisher.communicate(b"\n".join(events) + b"\n")
    assert publisher.returncode == 0, complained.decode()
    return said.decode().strip()


async def publish(platform: Platform, data: bytes, **attributes: str) -> None:
    message = PubsubMessage(data=data, attributes=attributes)
    await platform._pubsub.broker.publish(topic_path(CONTRACT.topic), [message])


async def settled(platform: Platform) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while platform._pubsub.backlog(subscription_path(CONTRACT.subscription)):
            await asyncio.sleep(0.005)


async def get(platform: Platform, path: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=platform.addresses.api, trust_env=False) as client:
        return await client.get(path, headers=headers)


async def received(collector: OtlpReceiver, name: str) -> ReceivedSpan:
    return await asyncio.to_thread(collector.one, name)


async def test_one_trace_leads_from_the_official_publishers_span_to_the_append(
    platform: Platform, collector: OtlpReceiver
) -> None:
    trace_id = await publish_officially(platform, collector, event("a"))
    await settled(platform)
    process, append = [
        await received(collector, name) for name in ("process analytics_table", "append analytics_table")
    ]
    of_publisher = {span.span_id: span.name for span in collector.spans if span.service == "a-publisher"}
    decode, batch = await received(collector, "decode"), await received(collector, "batch analytics_table")
    assert {span.trace_id for span in (process, decode, batch, append)} == {trace_id}
    assert of_publisher[process.parent_id] == f"{CONTRACT.topic} create"
    assert (decode.parent_id, batch.parent_id) == (process.span_id, process.span_id)
    assert append.parent_id == batch.span_id
    assert process.attributes["exposure.outcome"] == "stored"
    assert process.kind == "CONSUMER"


async def test_a_batch_names_each_of_its_messages_and_each_message_its_batch(
    platform: Platform, collector: OtlpReceiver
) -> None:
    traces = [f"{number:032x}" for number in range(1, 6)]
    messages = [
        PubsubMessage(data=event(trace), attributes={"traceparent": f"00-{trace}-{SPAN}-01"})
        for trace in traces
    ]
    await platform._pubsub.broker.publish(topic_path(CONTRACT.topic), messages)
    await settled(platform)
    await platform.__aexit__(None, None, None)
    processes = collector.named("process analytics_table")
    batches = collector.named("batch analytics_table")
    assert sorted(span.trace_id for span in processes) == traces
    linked = [link for batch in batches for link in batch.links]
    assert sorted(linked) == sorted((span.trace_id, span.span_id) for span in processes)
    assert sum(int(str(one.attributes["messaging.batch.message_count"])) for one in batches) == len(traces)
    ids = {(batch.trace_id, batch.span_id) for batch in batches}
    assert all(ids & set(process.links) for process in processes)


async def test_a_message_set_aside_is_traced_to_its_quarantine(
    platform: Platform, collector: OtlpReceiver
) -> None:
    await publish(platform, b"no json", traceparent=f"00-{TRACE}-{SPAN}-01")
    await settled(platform)
    append = await received(collector, "append analytics_table_quarantine")
    process = await received(collector, "process analytics_table")
    assert (append.trace_id, process.parent_id) == (TRACE, SPAN)
    assert process.attributes["exposure.outcome"] == "quarantined"
    assert not process.failed


async def test_a_stranger_s_nonsense_in_the_attributes_begins_a_trace_of_ours(
    platform: Platform, collector: OtlpReceiver
) -> None:
    no_trace = f"00-{'0' * 32}-{SPAN}-01"
    await publish(platform, event("a"), googclient_traceparent="00-zz-1", traceparent=no_trace)
    await settled(platform)
    assert (await received(collector, "process analytics_table")).parent_id == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": f"00-{TRACE}-{SPAN}-00"},
        {"traceparent": f"00-{TRACE}-{SPAN}-01"},
        {"x-cloud-trace-context": f"{TRACE}/{int(SPAN, 16)};o=0"},
    ],
    ids=["not sampled", "sampled", "the older header"],
)
async def test_a_get_is_one_trace_of_its_caller_from_the_request_to_the_query(
    platform: Platform, collector: OtlpReceiver, headers: dict[str, str]
) -> None:
    assert (await get(platform, f"/v1/{CONTRACT.name}?data.eq={SECRET}", **headers)).status_code == 200
    server = await received(collector, f"GET /v1/{CONTRACT.name}")
    steps = [await received(collector, name) for name in ("parse", f"query {CONTRACT.name}", "encode")]
    assert {span.trace_id for span in (server, *steps)} == {TRACE}
    assert server.parent_id == SPAN
    assert {step.parent_id for step in steps} == {server.span_id}
    assert [step.started_ns for step in steps] == sorted(step.started_ns for step in steps)
    assert server.attributes == {
        "http.request.method": "GET",
        "http.route": f"/v1/{CONTRACT.name}",
        "http.response.status_code": 200,
        "url.scheme": "http",
    }


@pytest.mark.parametrize(
    ("path", "name", "status"),
    [
        (f"/v1/{CONTRACT.name}/{SECRET}", f"GET /v1/{CONTRACT.name}/{{key}}", 404),
        (f"/v1/{CONTRACT.name}:export", f"GET /v1/{CONTRACT.name}:export", 200),
        (f"/v1/{CONTRACT.name}:aggregate?measures=count", f"GET /v1/{CONTRACT.name}:aggregate", 200),
        (f"/v1/{SECRET}", "GET", 404),
        (f"/v1/{CONTRACT.name}:{SECRET}", "GET", 404),
    ],
)
async def test_a_span_is_called_by_its_route_and_never_by_what_was_asked_for(
    platform: Platform, collector: OtlpReceiver, path: str, name: str, status: int
) -> None:
    answer = await get(platform, path)
    assert answer.status_code == status, answer.text
    span = await received(collector, name)
    assert span.attributes["http.response.status_code"] == status


async def test_no_value_of_a_row_or_a_question_leaves_in_a_trace(
    platform: Platform, collector: OtlpReceiver
) -> None:
    await publish(platform, event(SECRET))
    await publish(platform, f"{SECRET} is no json".encode())
    await settled(platform)
    for path in (
        f"/v1/{CONTRACT.name}?data.eq={SECRET}",
        f"/v1/{CONTRACT.name}?{SECRET}=1",
        f"/v1/{CONTRACT.name}/{SECRET}",
        f"/v1/{CONTRACT.name}:export?data.eq={SECRET}",
        f"/v1/{SECRET}",
    ):
        await get(platform, path)
    assert (await get(platform, "/v1", **{"X-API-Key": SECRET})).status_code == 401
    await platform.__aexit__(None, None, None)
    assert len(collector.named(f"query {CONTRACT.name}")) >= 2
    assert not any(SECRET.encode() in body for body in collector.bodies)
