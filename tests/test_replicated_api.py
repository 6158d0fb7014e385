"""The API as the cloud assembles it, over a warehouse in memory, of a contract that declares a replica."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import httpx2
import pytest

from exposure.assembly.api import read_api
from exposure.contracts import orders
from exposure.contracts.access import PUBLIC
from exposure.contracts.catalog import Catalog
from exposure.contracts.hot_window import WHOLE_TABLE
from exposure.contracts.unbounded import Unbounded
from exposure.local.ports import HttpServer
from exposure.settings import ApiSettings
from exposure.warehouse.duckdb_reader import DuckDBReader
from fakes.house import duckdb_house
from fakes.rows import order_row

SETTINGS = {
    "PROJECT": "p",
    "LOCATION": "EU",
    "PAGE_TOKEN_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "CACHE_LIFETIME": "PT0S",
}
CONTRACT = dataclasses.replace(
    orders.CONTRACT, retention=None, replica=WHOLE_TABLE, unbounded=Unbounded.ALLOW, access=PUBLIC
)
QUESTIONS = (
    "/v1/orders",
    "/v1/orders/ord-3",
    "/v1/orders?paid.eq=true&order=-total",
    "/v1/orders:aggregate?group=currency&measures=count,sum:total",
    "/v1/orders:facets?columns=currency",
)


@pytest.fixture
async def client(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[httpx2.AsyncClient]:
    told = SETTINGS | getattr(request, "param", {})
    for name, value in told.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", value)
    async with duckdb_house(CONTRACT) as house:
        await house.put(*(order_row(order_id=f"ord-{number}") for number in range(5)))
        server = HttpServer(0)
        assert isinstance(house.reader, DuckDBReader)
        await server.start(read_api(ApiSettings(), house.reader, Catalog((CONTRACT,))))
        async with httpx2.AsyncClient(base_url=server.url) as client:
            yield client
        await server.stop()


async def from_replica(client: httpx2.AsyncClient, path: str) -> httpx2.Response:
    """Return the answer once it comes from the replica."""
    for _ in range(500):
        answer = await client.get(path)
        if answer.headers["x-tier"] == "replica":
            return answer
        await asyncio.sleep(0.01)
    raise AssertionError("the replica never answered")


async def test_answers_come_from_the_replica_as_soon_as_it_is_loaded(client: httpx2.AsyncClient) -> None:
    first = {path: await client.get(path) for path in QUESTIONS}
    for path in QUESTIONS:
        answer = await from_replica(client, path)
        assert answer.json()["stats"]["tier"] == "replica"
        assert (answer.status_code, answer.headers["x-bytes-billed"]) == (200, "0")
        for part in ("data", "facets", "complete"):
            assert answer.json().get(part) == first[path].json().get(part)
    explained = (await client.get("/v1/orders?explain=1")).json()["explain"]
    assert (explained["tier"], explained["engine"]) == ("replica", "replica")


async def test_a_walk_begun_in_the_replica_is_of_one_moment(client: httpx2.AsyncClient) -> None:
    pages = [await from_replica(client, "/v1/orders?page_size=2&order=currency")]
    while not pages[-1].json()["complete"]:
        token = pages[-1].json()["next_page_token"]
        pages.append(
            await client.get("/v1/orders", params={"page_size": 2, "order": "currency", "page_token": token})
        )
    bodies = [page.json() for page in pages]
    assert [page.headers["x-tier"] for page in pages] == ["replica"] * 3
    assert [row["order_id"] for body in bodies for row in body["data"]] == [f"ord-{n}" for n in range(5)]
    assert len({body["as_of"] for body in bodies}) == 1


@pytest.mark.parametrize("client", [{"REPLICAS": "false"}], indirect=True)
async def test_a_deployment_may_do_without_replicas(client: httpx2.AsyncClient) -> None:
    for _ in range(20):
        assert (await client.get(QUESTIONS[0])).headers["x-tier"] == "warehouse"
        await asyncio.sleep(0.01)
