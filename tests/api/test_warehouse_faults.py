"""The API over a warehouse that fails, is slow, hangs or is out of quota: whole answers, or problems."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import duckdb
import httpx2
import pytest
from starlette.types import ASGIApp, Message

from exposure.api.access.door import Door
from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import CATALOG
from exposure.local.ports import HttpServer
from exposure.warehouse.bigquery_reader import BigQueryReaderLimits
from exposure.warehouse.bulkhead import BulkheadLimits
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.limited_reader import LimitedReader, ReaderLimits
from exposure.warehouse.port import Unavailability, WarehouseUnavailable
from fakes.api_house import TOKEN_KEY
from fakes.bigquery_rest import refusal, running_rest
from fakes.faulty_reader import FaultyReader, for_ever
from fakes.house import rest_reader
from fakes.rows import NOON
from fakes.virtual_time import VirtualTime

SECRET = "projects/secret/tables/hidden"
URLS = [
    "/v1/orders?page_size=1",
    "/v1/orders?page_size=1&count=estimate",
    "/v1/orders?explain=1",
    "/v1/orders/ord-000001",
    "/v1/orders:aggregate?group=currency",
    "/v1/orders:aggregate?explain=1",
    "/v1/orders:facets?columns=currency",
    "/v1/orders:export?format=csv",
]
ONE = URLS[0]


class Scene:
    """The API, the warehouse behind it, and the time in which all of it happens."""

    def __init__(self, warehouse: duckdb.DuckDBPyConnection, time: VirtualTime) -> None:
        self.time = time
        self.inside = FaultyReader(DuckDBReader(warehouse, clock=lambda: NOON))
        limits = ReaderLimits(per_second=1000, burst=1000, bulkhead=BulkheadLimits(concurrency=4, queue=2))
        self.app = api_over(LimitedReader(self.inside, limits, time.moved))
        self.client = client_of(self.app)

    async def get(self, url: str, seconds: float = 0) -> httpx2.Response:
        """Return the answer, given after so much time at the latest."""
        asking = asyncio.ensure_future(self.client.get(url))
        if seconds:
            await until(lambda: self.inside.under_way)
            self.time.advance(seconds)
        return await asking


def api_over(reader: Any) -> ASGIApp:
    return build_api(CATALOG, reader, TokenSealer([TOKEN_KEY]), Door(clock=lambda: NOON))


def client_of(app: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api")


@pytest.fixture
async def scene(warehouse: duckdb.DuckDBPyConnection) -> AsyncIterator[Scene]:
    with VirtualTime() as time:
        scene = Scene(warehouse, time)
        async with scene.client:
            yield scene
        await scene.inside.close()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to that")


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Return the problem, which must be whole and say nothing of what is behind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert SECRET not in answer.text
    body: dict[str, Any] = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "retryable", "request_id"}
    assert (body["status"], body["code"], body["retryable"]) == (status, code, True)
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize("url", URLS)
async def test_a_warehouse_that_always_fails_is_a_problem_and_soon_not_asked_any_more(
    scene: Scene, url: str
) -> None:
    scene.inside.failure = WarehouseUnavailable(f"{SECRET} is gone")
    for _ in range(12):
        problem(await scene.get(url), 503, "UPSTREAM_UNAVAILABLE")
    asked = scene.inside.asked
    assert 5 <= asked <= 6
    answer = await scene.get(url)
    assert answer.headers["retry-after"] == "5"
    scene.inside.failure = None
    scene.time.advance(5)
    assert (await scene.get(ONE)).status_code == 200
    assert (await scene.get(url)).status_code == 200


@pytest.mark.parametrize("url", [url for url in URLS if "explain" not in url])
async def test_a_warehouse_three_seconds_slow_is_answered_from_slowly_and_wholly(
    scene: Scene, url: str
) -> None:
    expected = await scene.get(url)
    scene.inside.wait = lambda: asyncio.sleep(3)
    for _ in range(8):
        answer = await scene.get(url, seconds=3)
        assert answer.status_code == 200
        if url.endswith("csv"):
            assert answer.content == expected.content
        else:
            assert _told(answer) == _told(expected)


@pytest.mark.parametrize("url", URLS)
async def test_a_warehouse_that_hangs_is_a_timeout_at_the_deadline_and_then_at_once(
    scene: Scene, url: str
) -> None:
    scene.inside.wait = for_ever
    for _ in range(5):
        body = problem(await scene.get(url, seconds=8), 504, "DEADLINE_EXCEEDED")
        assert scene.inside.under_way == 0
        if scene.inside.asked >= 5:
            break
    # Nothing moves the clock here: it is refused without waiting.
    problem(await scene.get(url), 503, "UPSTREAM_UNAVAILABLE")
    assert (await scene.client.get(body["type"])).json()["code"] == "DEADLINE_EXCEEDED"


async def test_no_question_waits_longer_than_its_deadline_however_many_there_are(scene: Scene) -> None:
    scene.inside.wait = for_ever
    asking = [asyncio.ensure_future(scene.client.get(ONE)) for _ in range(20)]
    await until(lambda: scene.inside.under_way == 4)
    scene.time.advance(0.25)
    await until(lambda: sum(one.done() for one in asking) == 16)
    scene.time.advance(7.75)
    answers = await asyncio.gather(*asking)
    assert sorted(answer.status_code for answer in answers) == [503] * 16 + [504] * 4
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 503} == {"1"}
    assert scene.inside.most == 4


@pytest.mark.parametrize(
    ("reason", "pause"), [(Unavailability.QUOTA, 600), (Unavailability.RATE, 2)], ids=["quota", "rate"]
)
@pytest.mark.parametrize("url", URLS)
async def test_a_quota_that_is_used_up_says_when_asking_again_helps_and_is_not_tried_before(
    scene: Scene, url: str, reason: Unavailability, pause: int
) -> None:
    scene.inside.failure = WarehouseUnavailable(SECRET, reason, timedelta(seconds=pause))
    for _ in range(5):
        answer = await scene.get(url)
        problem(answer, 503, "UPSTREAM_UNAVAILABLE")
        assert answer.headers["retry-after"] == str(pause)
    assert scene.inside.asked <= 2
    scene.inside.failure = None
    scene.time.advance(pause - 1)
    problem(await scene.get(url), 503, "UPSTREAM_UNAVAILABLE")
    scene.time.advance(1)
    assert (await scene.get(ONE)).status_code == 200


@pytest.mark.parametrize(("reason", "seconds"), [("quotaExceeded", 600), ("rateLimitExceeded", 2)])
async def test_a_quota_of_bigquery_comes_as_forbidden_and_is_not_passed_on_as_that(
    reason: str, seconds: int
) -> None:
    with running_rest() as rest:
        rest.script("POST queries", refusal(403, reason, SECRET))
        limits = BigQueryReaderLimits(timedelta(seconds=1), threads=2)
        reader = LimitedReader(rest_reader(rest, limits))
        async with client_of(api_over(reader)) as client:
            answer = await client.get(ONE)
            problem(answer, 503, "UPSTREAM_UNAVAILABLE")
            assert int(answer.headers["retry-after"]) == seconds
            asked = len(rest.requests)
            problem(await client.get(URLS[5]), 503, "UPSTREAM_UNAVAILABLE")
            assert len(rest.requests) == asked
        await reader.close()


@pytest.mark.parametrize("url", URLS)
async def test_what_was_asked_for_a_client_that_went_away_is_cancelled(scene: Scene, url: str) -> None:
    scene.inside.wait = for_ever
    path, _, query = url.partition("?")
    asking = asyncio.Event()
    sent: list[Message] = []

    async def receive() -> Message:
        if asking.is_set():
            return {"type": "http.disconnect"}
        asking.set()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def departs() -> Message:
        message = await receive()
        if message["type"] == "http.disconnect":
            await until(lambda: scene.inside.under_way)
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    await scene.app(scope, departs, send)
    assert scene.inside.under_way == 0
    assert scene.inside.cancelled >= 1
    assert sent[0]["status"] == 499
    assert (await _asked_again(scene, url)).status_code == 200


async def test_a_connection_that_is_closed_cancels_what_was_asked_over_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    inside = FaultyReader(DuckDBReader(warehouse, clock=lambda: NOON))
    inside.wait = for_ever
    server = HttpServer(0)
    await server.start(api_over(LimitedReader(inside)))
    port = int(server.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /v1/orders HTTP/1.1\r\nHost: api\r\n\r\n")
    async with asyncio.timeout(20):
        while not inside.under_way:
            await asyncio.sleep(0.005)
        writer.close()
        while not inside.cancelled:
            await asyncio.sleep(0.005)
    assert inside.under_way == 0
    await server.stop()


async def _asked_again(scene: Scene, url: str) -> httpx2.Response:
    scene.inside.wait = None
    return await scene.client.get(url)


def _told(answer: httpx2.Response) -> Any:
    """Return what an answer says of rows; when, from where and how fast they were read differs."""
    body = json.loads(answer.content)
    return {name: value for name, value in body.items() if name not in ("as_of", "stats", "next_page_token")}
