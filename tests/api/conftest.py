"""What the API's tests share: one filled warehouse, and the API over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import duckdb
import pytest

from fakes.api_house import ApiHouse, api_house, filled_warehouse


@pytest.fixture(scope="session")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse that no test writes to."""
    connection = asyncio.run(filled_warehouse())
    yield connection
    connection.close()


@pytest.fixture
async def api(warehouse: duckdb.DuckDBPyConnection) -> AsyncIterator[ApiHouse]:
    async with api_house(warehouse) as house:
        yield house
