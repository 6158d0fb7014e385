"""What the tests of access share: the API that guards a warehouse of several tenants."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import duckdb
import pytest

from fakes.guarded_house import GuardedHouse, guarded_house


@pytest.fixture
async def house(tmp_path: Path, vault: duckdb.DuckDBPyConnection) -> AsyncIterator[GuardedHouse]:
    async with guarded_house(tmp_path, vault) as house:
        yield house
