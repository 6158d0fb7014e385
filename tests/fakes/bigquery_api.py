"""The API over BigQuery's canned REST service: what a request asks of it, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import CATALOG, Catalog
from exposure.warehouse.bigquery_reader import BigQueryReaderLimits
from exposure.warehouse.port import Reader
from fakes.api_house import TOKEN_KEY, ApiHouse
from fakes.bigquery_rest import BigQueryRest
from fakes.house import rest_reader
from fakes.watched_reader import WatchedReader

# A page of keys alone, and its columns: the one selected, and the one the page goes on from.
IDS = "/v1/analytics_table?select=id&order=id"
ID_FIELDS = [{"name": "_0", "type": "STRING"}, {"name": "_1", "type": "STRING"}]


@asynccontextmanager
async def bigquery_api(
    rest: BigQueryRest, limits: BigQueryReaderLimits | None = None
) -> AsyncIterator[ApiHouse]:
    """Open the API over the canned service."""
    reader = rest_reader(rest, limits or BigQueryReaderLimits(threads=2))
    async with api_over(reader) as house:
        yield house
    await reader.close()


@asynccontextmanager
async def api_over(reader: Reader, catalog: Catalog = CATALOG) -> AsyncIterator[ApiHouse]:
    """Open the API over any reader, and leave that open."""
    watched = WatchedReader(reader)
    app = build_api(catalog, watched, TokenSealer([TOKEN_KEY]))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api", timeout=60) as client:
        yield ApiHouse(app, client, watched)
