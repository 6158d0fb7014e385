"""How an answer names the window its question was given, and how one is refused that needs a bound."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from exposure.api.access.door import Door
from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts import orders
from exposure.contracts.catalog import Catalog
from exposure.contracts.unbounded import Unbounded
from exposure.query.model import Filter, Operator
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import rows_table
from fakes.api_house import TOKEN_KEY, ApiHouse
from fakes.rows import NOON, order_row
from fakes.watched_reader import WatchedReader

DAY = timedelta(days=1)
WINDOW = dataclasses.replace(orders.CONTRACT, unbounded=7 * DAY)
REFUSING = dataclasses.replace(
    orders.CONTRACT, name="careful", topic="careful-topic", unbounded=Unbounded.REFUSE
)
SINCE = "2026-11-18T00:00:00Z"
NAMED = {"parameter": "placed_at.gte", "value": SINCE}
BOUND = "placed_at.gte=2020-01-01T00:00:00Z"
# One order a day, the newest at noon of today.
ROWS = [order_row(order_id=f"ord-{days:02}", placed_at=NOON - days * DAY) for days in range(20)]
RECENT = [f"ord-{days:02}" for days in range(8)]


class Clock:
    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def house(clock: Clock) -> AsyncIterator[ApiHouse]:
    catalog = Catalog((WINDOW, REFUSING))
    connection = open_duckdb(None, [rows_table(one) for one in catalog])
    writer = DuckDBWriter(connection)
    for one in catalog:
        assert not await writer.append(rows_table(one), ROWS)
    await writer.close()
    reader = WatchedReader(DuckDBReader(connection, clock=clock))
    app = build_api(catalog, reader, TokenSealer([TOKEN_KEY]), Door(clock=clock))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield ApiHouse(app, client, reader)
    await reader.close()
    connection.close()


def ids(body: Any) -> list[str]:
    return [row["order_id"] for row in body["data"]]


async def test_a_page_without_a_bound_is_of_the_window_and_says_so_in_body_and_header(
    house: ApiHouse,
) -> None:
    answer = await house.get("/v1/orders?select=order_id&count=exact")
    assert ids(answer.json()) == RECENT
    assert answer.json()["window"] == NAMED
    assert answer.json()["total"]["rows"] == len(RECENT)
    assert answer.headers["x-window"] == f"placed_at.gte={SINCE}"


async def test_what_the_header_says_asks_the_same(house: ApiHouse) -> None:
    answer = await house.get("/v1/orders?select=order_id")
    again = await house.get(f"/v1/orders?select=order_id&{answer.headers['x-window']}")
    assert again.json()["data"] == answer.json()["data"]
    assert "window" not in again.json()
    assert "x-window" not in again.headers


@pytest.mark.parametrize("query", [BOUND, "order_id.eq=ord-19", "where=placed_at gte 2026-11-06T12:00:00Z"])
async def test_a_question_with_a_bound_of_its_own_is_asked_as_it_is(house: ApiHouse, query: str) -> None:
    answer = await house.get(f"/v1/orders?select=order_id&{query}")
    assert "ord-19" in ids(answer.json())
    assert "window" not in answer.json()
    assert "x-window" not in answer.headers


async def test_one_row_by_its_key_needs_no_bound(house: ApiHouse) -> None:
    for contract in ("orders", "careful"):
        answer = await house.get(f"/v1/{contract}/ord-19")
        assert answer.status_code == 200
        assert "window" not in answer.json()


async def test_groups_and_facets_are_of_the_window_and_say_so(house: ApiHouse) -> None:
    groups = await house.get("/v1/orders:aggregate?measures=count")
    facets = await house.get("/v1/orders:facets?columns=currency")
    assert groups.json()["data"] == [{"count": len(RECENT)}]
    assert facets.json()["facets"]["currency"]["values"][0]["count"] == len(RECENT)
    for answer in (groups, facets):
        assert answer.json()["window"] == NAMED
        assert answer.headers["x-window"] == f"placed_at.gte={SINCE}"


@pytest.mark.parametrize("form", ["json", "csv", "ndjson"])
async def test_an_export_is_of_the_window_and_says_so(house: ApiHouse, form: str) -> None:
    answer = await house.get(f"/v1/orders:export?select=order_id&format={form}")
    assert answer.headers["x-window"] == f"placed_at.gte={SINCE}"
    assert answer.text.count("ord-") == len(RECENT)
    if form == "json":
        assert answer.json()["window"] == NAMED


async def test_an_explanation_shows_the_bound(house: ApiHouse) -> None:
    for path in ("/v1/orders?explain=1", "/v1/orders:aggregate?explain=1"):
        explained = (await house.get(path)).json()["explain"]
        assert SINCE in explained["parameters"].values()


async def test_equal_questions_of_one_day_are_one_question(house: ApiHouse, clock: Clock) -> None:
    for moment in (NOON, NOON.replace(hour=0, minute=0), NOON.replace(hour=23, minute=59)):
        clock.moment = moment
        await house.get("/v1/orders")
    one, *others = house.reader.questions
    assert others == [one, one]
    assert Filter(WINDOW.column("placed_at"), Operator.GTE, datetime.fromisoformat(SINCE)) in one.filters


async def test_a_walk_goes_on_with_its_token(house: ApiHouse) -> None:
    walked: list[str] = []
    url: str | None = "/v1/orders?select=order_id&page_size=3"
    while url is not None:
        answer = await house.get(url)
        assert answer.json()["window"] == NAMED
        walked += ids(answer.json())
        link = answer.headers.get("link")
        url = None if link is None else link.partition(">")[0].removeprefix("<")
    assert walked == RECENT


@pytest.mark.parametrize("path", ["", ":export", ":aggregate", ":facets"])
async def test_a_contract_may_refuse_and_says_what_to_add(house: ApiHouse, path: str) -> None:
    query = "columns=currency" if path == ":facets" else ""
    problem = await house.refused(f"/v1/careful{path}?{query}")
    assert (problem["code"], problem["status"], problem["retryable"]) == ("TIME_BOUND_REQUIRED", 400, False)
    [error] = problem["errors"]
    assert error["parameter"] == "placed_at.gte"
    answer = await house.get(f"/v1/careful{path}?{query}&{error['suggestion']}")
    assert answer.status_code == 200
    assert (await house.get(problem["type"])).json()["code"] == "TIME_BOUND_REQUIRED"


async def test_a_missing_bound_is_told_beside_everything_else_that_is_wrong(house: ApiHouse) -> None:
    problem = await house.refused("/v1/careful?page_size=0")
    assert {error["code"] for error in problem["errors"]} == {"TIME_BOUND_REQUIRED", "WRONG_VALUE"}


async def test_the_schema_page_and_the_api_document_say_what_becomes_of_unbound_questions(
    house: ApiHouse,
) -> None:
    windowed, refusing, document = await asyncio.gather(
        *(house.get(path) for path in ("/v1/orders:schema", "/v1/careful:schema", "/openapi.json"))
    )
    assert windowed.json()["unbounded"] == {"policy": "window", "days": 7}
    assert windowed.json()["max_bytes_billed"] == WINDOW.max_bytes_billed
    assert refusing.json()["unbounded"] == {"policy": "refuse", "days": None}
    paths = document.json()["paths"]
    for path in ("", ":export", ":aggregate", ":facets"):
        told, refused = paths[f"/v1/orders{path}"]["get"], paths[f"/v1/careful{path}"]["get"]
        assert "last 7 days" in told["description"]
        assert "X-Window" in told["responses"]["200"]["headers"]
        assert "TIME_BOUND_REQUIRED" in refused["responses"]["400"]["description"]
        assert "TIME_BOUND_REQUIRED" not in told["responses"]["400"]["description"]
