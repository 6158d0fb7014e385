"""What the tests of access share: a warehouse of several tenants, and the API that guards it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import duckdb
import pytest

from fakes.guarded_house import GuardedHouse, filled_vault, guarded_house


@pytest.fixture(scope="session")
def vault() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse that no test writes to."""
    connection = asyncio.run(filled_vault())
    yield connection
    connection.close()


@pytest.fixture
async def house(tmp_path: Path, vault: duckdb.DuckDBPyConnection) -> AsyncIterator[GuardedHouse]:
    async with guarded_house(tmp_path, vault) as house:
        yield house
