"""A reader that is still being made is waited for by whoever asks, and by nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import duckdb
import pytest

from exposure.contracts.catalog import CATALOG
from exposure.query.parse import parse_query
from exposure.warehouse.coming_reader import ComingReader
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.port import WarehouseMisconfigured
from exposure.warehouse.schema import rows_table

CONTRACT = CATALOG.get("analytics_table")
QUERY = parse_query(CONTRACT, [], str.encode)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with contextlib.closing(open_duckdb(None, [rows_table(CONTRACT)])) as connection:
        yield connection


def late_reader(connection: duckdb.DuckDBPyConnection) -> tuple[ComingReader, threading.Event]:
    """Return a reader that is being made, and what says that it may be there."""
    is_there = threading.Event()

    def make() -> DuckDBReader:
        is_there.wait(10)
        return DuckDBReader(connection)

    reader = ComingReader(make)
    reader.begin()
    return reader, is_there


async def test_a_question_waits_for_its_reader(connection: duckdb.DuckDBPyConnection) -> None:
    reader, is_there = late_reader(connection)
    asked = asyncio.ensure_future(reader.select(QUERY))
    await asyncio.sleep(0.01)
    assert not asked.done()
    is_there.set()
    assert (await asked).rows == []
    assert (await reader.newest(CONTRACT)).rows == 0
    await reader.close()


async def test_who_gives_up_waiting_ends_it_for_nobody_else(connection: duckdb.DuckDBPyConnection) -> None:
    reader, is_there = late_reader(connection)
    first, second = (asyncio.ensure_future(reader.select(QUERY)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    is_there.set()
    assert (await second).complete
    await reader.close()


async def test_a_reader_that_cannot_be_made_is_a_set_up_to_mend(caplog: pytest.LogCaptureFixture) -> None:
    def make() -> DuckDBReader:
        raise OSError("no credentials")

    reader = ComingReader(make)
    reader.begin()
    for _ in range(2):
        with pytest.raises(WarehouseMisconfigured, match="no credentials"):
            await reader.select(QUERY)
    assert "cannot be made" in caplog.text
    await reader.close()


async def test_a_reader_nobody_asked_for_yet_is_not_waited_for_at_the_end() -> None:
    is_there = threading.Event()

    def make() -> DuckDBReader:
        is_there.wait(10)
        raise OSError("too late")

    reader = ComingReader(make)
    reader.begin()
    await asyncio.wait_for(reader.close(), 1)
    is_there.set()
