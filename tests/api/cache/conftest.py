"""What the tests of the cache share: a warehouse of several tenants, and the API that keeps its answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import duckdb
import pytest

from fakes.cached_house import CachedHouse, cached_house
from fakes.guarded_house import filled_vault


@pytest.fixture(scope="session")
def vault() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse that no test writes to."""
    connection = asyncio.run(filled_vault())
    yield connection
    connection.close()


@pytest.fixture
async def house(tmp_path: Path, vault: duckdb.DuckDBPyConnection) -> AsyncIterator[CachedHouse]:
    async with cached_house(tmp_path, vault) as house:
        yield house
