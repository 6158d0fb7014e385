"""The push endpoint's answers, its probes, and how it starts and ends."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any, cast

import httpx2
import pytest
import uvicorn
from starlette.types import Message as Event

from exposure.identity.signing_keys import KeysUnavailable
from exposure.ingest.app import MAX_BODY_BYTES, PushApp
from exposure.ingest.batch import BatchLimits
from exposure.ingest.token import Forbidden, Unauthenticated
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from fakes.jumping_clock import elapsed, in_virtual_time
from fakes.messages import event, wrapped
from fakes.push_endpoint import PushEndpoint

EVENT = json.dumps(event()).encode()
METADATA = {"x-goog-pubsub-message-id": "77", "x-goog-pubsub-publish-time": "2026-11-25T12:00:00Z"}


async def test_a_stored_message_is_answered_with_nothing() -> None:
    endpoint = PushEndpoint()
    answer = await endpoint.push(EVENT, "77")
    assert (answer.status, answer.body) == (204, b"")
    assert endpoint.stored()[0][3] == "77"


async def test_an_unwrapped_push_is_stored_the_same() -> None:
    endpoint = PushEndpoint()
    answer = await endpoint.post_chunks([EVENT], headers=METADATA)
    assert (answer.status, endpoint.stored()[0][3]) == (204, "77")


async def test_a_body_in_chunks_is_put_together() -> None:
    endpoint = PushEndpoint()
    body = wrapped(EVENT)
    assert (await endpoint.post_chunks([body[:10], body[10:50], b"", body[50:]])).status == 204


async def test_half_a_body_is_not_taken_for_a_message() -> None:
    endpoint = PushEndpoint()
    answer = await endpoint.post_chunks([EVENT[:10], None], headers=METADATA)
    assert (answer.status, answer.problem["title"]) == (400, "Incomplete request")
    assert endpoint.writer.appends == []


async def test_a_body_over_the_limit_is_refused_before_it_is_read_whole() -> None:
    endpoint = PushEndpoint()
    chunk = bytes(1_000_000)
    chunks: list[bytes | None] = [chunk] * (MAX_BODY_BYTES // len(chunk) + 1)
    answer = await endpoint.post_chunks([*chunks, None])
    assert answer.status == 413


@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "9" * 5000])
async def test_a_body_announced_over_the_limit_is_refused_unread(length: str) -> None:
    answer = await PushEndpoint().post_chunks([None], headers={"content-length": length})
    assert answer.status == 413


async def test_a_body_announced_at_the_limit_is_read() -> None:
    headers = {"content-length": str(MAX_BODY_BYTES)}
    assert (await PushEndpoint().post_chunks([wrapped(EVENT)], headers=headers)).status == 204


@pytest.mark.parametrize("path", ["/", "/push", "/v1/analytics_table", "/health", "/healthz"])
async def test_another_path_is_not_found(path: str) -> None:
    answer = await PushEndpoint().get(path)
    assert (answer.status, answer.problem["status"]) == (404, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/push/analytics_table", "POST"),
        ("POST", "/health/live", "GET, HEAD"),
        ("PUT", "/health/ready", "GET, HEAD"),
    ],
)
async def test_another_method_is_not_allowed_and_told_which_is(method: str, path: str, allowed: str) -> None:
    answer = await PushEndpoint().get(path, method)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("failure", "status", "header"),
    [
        (Unauthenticated("no token"), 401, "www-authenticate"),
        (Forbidden("another account"), 403, "content-type"),
        (KeysUnavailable("no certificates"), 503, "retry-after"),
    ],
)
async def test_who_may_not_push_is_told_why_before_the_body_is_read(
    failure: Exception, status: int, header: str
) -> None:
    endpoint = PushEndpoint()
    endpoint.anyone.failure = failure
    answer = await endpoint.post_chunks([None])
    assert (answer.status, answer.problem["detail"], header in answer.headers) == (status, str(failure), True)


async def test_who_may_not_push_does_not_learn_which_contracts_there_are() -> None:
    endpoint = PushEndpoint()
    endpoint.anyone.failure = Unauthenticated("no token")
    assert (await endpoint.push(EVENT, contract="nothing")).status == 401


@pytest.mark.parametrize("failure", [WarehouseUnavailable("down"), WarehouseMisconfigured("no table")])
async def test_while_the_warehouse_is_down_pushes_are_to_come_again(failure: Exception) -> None:
    endpoint = PushEndpoint()
    endpoint.writer.failure = failure
    answer = await endpoint.push(EVENT)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_an_overload_asks_for_patience() -> None:
    answer = await PushEndpoint(limits=BatchLimits(held_rows=0)).push(EVENT)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


async def test_an_unexpected_error_is_never_an_acknowledgement_and_shows_nothing_of_itself() -> None:
    endpoint = PushEndpoint()
    endpoint.writer.failure = ZeroDivisionError("inner secret")
    answer = await endpoint.push(EVENT)
    assert answer.status == 500
    assert b"secret" not in answer.body


async def test_an_unexpected_error_outside_the_pipeline_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint = PushEndpoint()
    endpoint.anyone.failure = ZeroDivisionError("a bug")
    assert (await endpoint.push(EVENT)).status == 500
    assert [record.getMessage() for record in caplog.records] == [
        "unexpected while answering /push/analytics_table"
    ]


@pytest.mark.parametrize("verifier", [None, object()])
def test_no_endpoint_is_built_without_a_verifier(verifier: Any) -> None:
    endpoint = PushEndpoint()
    with pytest.raises(TypeError, match="anybody may push"):
        PushApp(endpoint.pipelines, verifier, endpoint.writer)


async def test_nothing_of_a_message_reaches_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    endpoint = PushEndpoint()
    await endpoint.push(json.dumps(event(data="secret")).encode())
    await endpoint.push(json.dumps(event(data={"secret": 1})).encode())
    endpoint.writer.failure = WarehouseUnavailable("down")
    await endpoint.push(json.dumps(event(data="secret")).encode())
    assert "secret" not in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_process_is_alive_and_ready(method: str) -> None:
    endpoint = PushEndpoint()
    assert (await endpoint.get("/health/live", method)).status == 204
    assert (await endpoint.get("/health/ready", method)).status == 204


async def test_a_warehouse_that_cannot_take_appends_makes_the_service_unready_but_not_dead() -> None:
    endpoint = PushEndpoint()
    endpoint.writer.complaint = WarehouseMisconfigured("the table is missing")
    answer = await endpoint.get("/health/ready")
    assert (answer.status, answer.problem["detail"]) == (503, "the table is missing")
    assert (await endpoint.get("/health/live")).status == 204


@in_virtual_time
async def test_readiness_waits_two_seconds_for_the_warehouse_at_most() -> None:
    endpoint = PushEndpoint()
    endpoint.writer.answers_ready.clear()
    answer = await endpoint.get("/health/ready")
    assert (answer.status, elapsed()) == (503, 2.0)


@in_virtual_time
async def test_the_warehouse_is_asked_once_a_second_however_often_readiness_is() -> None:
    endpoint = PushEndpoint()
    await asyncio.gather(*(endpoint.get("/health/ready") for _ in range(10)))
    assert endpoint.writer.asked_ready == 1
    endpoint.writer.complaint = WarehouseUnavailable("down")
    await asyncio.sleep(1)
    answers = await asyncio.gather(*(endpoint.get("/health/ready") for _ in range(10)))
    assert ({answer.status for answer in answers}, endpoint.writer.asked_ready) == ({503}, 2)


async def live(app: PushApp, *events: str) -> list[str]:
    """Send the events of a server's life; return what the application answers."""
    left = list(events)
    answers: list[str] = []

    async def receive() -> Event:
        return {"type": left.pop(0)}

    async def send(event: Event) -> None:
        answers.append(event["type"])

    await app({"type": "lifespan"}, receive, send)
    return answers


async def test_the_end_of_the_process_closes_writer_and_verifier() -> None:
    endpoint = PushEndpoint()
    assert await live(endpoint.app, "lifespan.startup", "lifespan.shutdown") == [
        "lifespan.startup.complete", "lifespan.shutdown.complete",
    ]  # fmt: skip
    assert (endpoint.writer.closed, endpoint.anyone.closed) == (True, True)


@in_virtual_time
async def test_the_end_of_the_process_waits_for_accepted_rows_before_it_closes_the_writer() -> None:
    endpoint = PushEndpoint()
    endpoint.writer.holds = True
    pushing = asyncio.create_task(endpoint.push(EVENT))
    append = await endpoint.writer.begun(0)
    closing = asyncio.create_task(endpoint.app.close())
    await asyncio.sleep(1)
    assert not endpoint.writer.closed
    append.answer()
    await closing
    assert ((await pushing).status, endpoint.writer.closed) == (204, True)


@in_virtual_time
async def test_a_warehouse_that_does_not_answer_does_not_hold_up_the_end_of_the_process() -> None:
    endpoint = PushEndpoint()
    endpoint.writer.holds = True
    app = PushApp(endpoint.pipelines, endpoint.anyone, endpoint.writer, closing=timedelta(seconds=3))
    pushing = asyncio.create_task(endpoint.push(EVENT))
    await endpoint.writer.begun(0)
    await app.close()
    assert (elapsed(), endpoint.anyone.closed) == (3.0, True)
    assert (await pushing).status == 503


async def test_pushes_in_flight_when_the_server_stops_are_answered() -> None:
    endpoint = PushEndpoint()
    endpoint.writer.holds = True
    config = uvicorn.Config(
        endpoint.app, port=0, log_config=None, lifespan="on", timeout_graceful_shutdown=8, ws="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = cast("tuple[str, int]", server.servers[0].sockets[0].getsockname())[1]
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        pushing = asyncio.create_task(client.post("/push/analytics_table", content=wrapped(EVENT)))
        append = await endpoint.writer.begun(0)
        server.should_exit = True
        while server.servers[0].is_serving():
            await asyncio.sleep(0.01)
        append.answer()
        assert (await pushing).status_code == 204
    await serving
    assert endpoint.writer.closed
    assert len(endpoint.stored()) == 1


async def test_a_push_given_up_by_the_server_is_answered_that_it_must_come_again() -> None:
    endpoint = PushEndpoint()
    endpoint.writer.holds = True
    pushing = asyncio.create_task(endpoint.push(EVENT))
    append = await endpoint.writer.begun(0)
    pushing.cancel()
    answer = await pushing
    assert (answer.status, answer.problem["title"]) == (503, "Stopping")
    append.answer()


async def test_no_more_bytes_are_received_at_a_time_than_there_is_room_for() -> None:
    endpoint = PushEndpoint()
    release = asyncio.Event()
    answers: list[int] = []

    async def push() -> None:
        async def receive() -> dict[str, Any]:
            await release.wait()
            return {"type": "http.request", "body": wrapped(EVENT), "more_body": False}

        async def send(event: Any) -> None:
            if event["type"] == "http.response.start":
                answers.append(event["status"])

        headers = [(b"content-length", str(MAX_BODY_BYTES).encode())]
        scope = {"type": "http", "method": "POST", "path": "/push/analytics_table", "headers": headers}
        await endpoint.app(scope, receive, send)

    pushes = [asyncio.create_task(push()) for _ in range(6)]
    await asyncio.sleep(0)
    assert answers == [429, 429]
    release.set()
    await asyncio.gather(*pushes)
    assert sorted(answers) == [204, 204, 204, 204, 429, 429]
    assert (await endpoint.push(EVENT)).status == 204
