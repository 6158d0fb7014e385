"""What the tests of the cache share: the API that keeps its answers about several tenants' rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import pytest

from fakes.cached_house import CachedHouse, cached_house


@pytest.fixture
async def house(tmp_path: Path, vault: duckdb.DuckDBPyConnection) -> AsyncIterator[CachedHouse]:
    async with cached_house(tmp_path, vault) as house:
        yield house
