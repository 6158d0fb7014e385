"""The API over a real DuckDB warehouse with a few rows, asked without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import httpx2
from fastapi import FastAPI
from starlette.types import ASGIApp

from exposure.api.access.door import Door
from exposure.api.access.layer import AccessLayer
from exposure.api.app import build_api
from exposure.api.cache.answers import Cache
from exposure.api.seal import TokenSealer
from exposure.contracts import analytics_table, orders
from exposure.contracts.catalog import CATALOG, Catalog
from exposure.query.model import Row
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import rows_table
from fakes.repeating_transport import RepeatingTransport
from fakes.rows import NOON, order_row
from fakes.watched_reader import WatchedReader

TOKEN_KEY = bytes(range(32))
CITIES = ("Madrid", "São Paulo", "東京", 'say "hi", now', "")
ORDERS: Sequence[Row] = [
    order_row(
        order_id=f"ord-{number:06}",
        placed_at=NOON + timedelta(hours=number // 3, microseconds=number % 2 * 123456),
        customer_id=(2**63 - 1, -(2**63), 0, 4711)[number % 4],
        total=Decimal(number % 7) - Decimal("2.50"),
        currency=CITIES[number % 5],
        weight_kg=None if number % 3 == 0 else number % 5 / 4,
        paid=number % 2 == 0,
        deliver_on=None if number % 4 == 0 else date(2026, 11, 1 + number % 6),
    )
    for number in range(1, 61)
]
_EVENT: Row = (
    "evt-000001",
    datetime(2026, 11, 25, 12, tzinfo=UTC),
    '{"page": "/home"}',
    "7",
    NOON,
    NOON,
    None,
)


@dataclass(frozen=True)
class ApiHouse:
    """The app, a client of it, and the reader that counts its questions."""

    app: ASGIApp
    client: httpx2.AsyncClient
    reader: WatchedReader

    async def get(self, url: str, **headers: str) -> httpx2.Response:
        return await self.client.get(url, headers=headers)

    async def refused(self, url: str, status: int = 400) -> dict[str, Any]:
        """Return the problem a request is refused with, and that the warehouse was not asked."""
        asked = len(self.reader.questions)
        answer = await self.get(url)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert len(self.reader.questions) == asked, "the warehouse was asked"
        problem: dict[str, Any] = answer.json()
        return problem

    async def error_codes(self, url: str) -> list[str]:
        return [error["code"] for error in (await self.refused(url))["errors"]]

    async def ids(self, url: str) -> list[str]:
        answer = await self.get(url)
        assert answer.status_code == 200, answer.text
        return [row["order_id"] for row in answer.json()["data"]]


async def filled_warehouse(rows: Sequence[Row] = ORDERS) -> duckdb.DuckDBPyConnection:
    """Return a warehouse in memory with these orders and one event."""
    connection = open_duckdb(None, [rows_table(contract) for contract in CATALOG])
    writer = DuckDBWriter(connection)
    assert not await writer.append(rows_table(orders.CONTRACT), rows)
    assert not await writer.append(rows_table(analytics_table.CONTRACT), [_EVENT])
    await writer.close()
    return connection


def routes(app: ASGIApp) -> FastAPI:
    """Return the application that answers everybody, behind the layers around it."""
    while not isinstance(app, AccessLayer):
        app = app._app  # type: ignore[attr-defined]
    app = app._anonymous
    while not isinstance(app, FastAPI):
        app = app._app  # type: ignore[attr-defined]
    return app


@asynccontextmanager
async def api_house(
    connection: duckdb.DuckDBPyConnection, catalog: Catalog = CATALOG, cache: Cache | None = None
) -> AsyncIterator[ApiHouse]:
    """Open the API over the warehouse; without a cache every answer is made anew."""
    reader = WatchedReader(DuckDBReader(connection, clock=lambda: NOON))
    app = build_api(catalog, reader, TokenSealer([TOKEN_KEY]), Door(clock=lambda: NOON), cache)
    transport = RepeatingTransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield ApiHouse(app, client, reader)
    await reader.close()
