"""What the API's tests share: one filled warehouse, the API over it, and a warehouse of several tenants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import duckdb
import pytest

from fakes.api_house import ApiHouse, api_house, filled_warehouse
from fakes.guarded_house import filled_vault


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


@pytest.fixture(scope="session")
def vault() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse of several tenants' rows that no test writes to."""
    connection = asyncio.run(filled_vault())
    yield connection
    connection.close()
